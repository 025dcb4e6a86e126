import type { ServerResponse } from 'node:http';
import { connect, isSseError, type ConnectOptions } from 'nestjs-event-stream/client';
import { ManualClock, impatientClock } from '../../test/fixtures/client/manual-clock.js';
import { ScriptedServer, broken, ended, status, stream } from '../../test/fixtures/client/scripted-server.js';

const DONE = { done: true, value: undefined };

describe('the end that the server decides', () => {
  let server: ScriptedServer;
  afterEach(() => server.stop());

  async function received(options: ConnectOptions = {}): Promise<string[]> {
    const data: string[] = [];
    for await (const event of connect(server.url, { clock: impatientClock, ...options }))
      data.push(event.data);
    return data;
  }

  it('is 204', async () => {
    server = await ScriptedServer.start(stream('data: 1\n\n'), ended);
    expect(await received()).toEqual(['1']);
  });

  it.each([
    ['in a block of its own', stream('id: 1\ndata: 1\n\nevent: ~end\nid: ~end\ndata: \n\n')],
    ['in a block without data', stream('id: 1\ndata: 1\n\nid: ~end\n\n')],
    ['on the last event', stream('event: end\nid: ~end\ndata: 1\n\n')],
    ['where the connection then breaks', broken('data: 1\n\nid: ~end\n\n')],
  ])('is the reserved id %s, and no request follows', async (_where, script) => {
    server = await ScriptedServer.start(script);
    expect(await received()).toEqual(['1']);
    expect(server.requests).toHaveLength(1);
  });

  it('keeps the last event ID: the reserved id is not a place to resume from', async () => {
    server = await ScriptedServer.start(stream('id: 7\ndata: 1\n\nid: ~end\ndata: [DONE]\n\n'));
    const events = connect(server.url);
    const ids: [string | undefined, string][] = [];
    for await (const { id, lastEventId } of events) ids.push([id, lastEventId]);
    expect(ids).toEqual([
      ['7', '7'],
      [undefined, '7'],
    ]);
    expect(events.lastEventId).toBe('7');
  });

  it('is not the reserved id before the response is over', async () => {
    server = await ScriptedServer.start(stream('id: ~end\ndata: 1\n\ndata: 2\n\nid: 3\ndata: 3\n\n'), ended);
    expect(await received()).toEqual(['1', '2', '3']);
    expect(server.requests).toHaveLength(2);
  });

  it('is not the reserved id that the caller began after, until a server confirms it', async () => {
    server = await ScriptedServer.start(status(503), ended);
    expect(await received({ after: '~end' })).toEqual([]);
    expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual(['~end', '~end']);
  });

  it.each([400, 401, 403, 404, 410, 422, 304])('is a %d, as an error with what was said', async (code) => {
    const said = code === 304 ? '' : 'no such\njob';
    server = await ScriptedServer.start(status(code, {}, said));
    await expect(received()).rejects.toMatchObject({
      code: 'SSE_RESPONSE_STATUS',
      context: { request: `GET ${server.url}`, status: code, body: said },
    });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    'https://me:secret@localhost/a',
    'https://secret@localhost/a',
    '//me:se@secret@localhost/a?b#c@d',
  ])('keeps the password in %s, which an own fetch may accept, out of its messages', async (url) => {
    const fetch = async (): Promise<Response> => new Response('', { status: 500 });
    const error: unknown = await connect(url, { fetch, retry: false })
      .next()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'SSE_RETRIES_EXHAUSTED', context: { request: expect.any(String) } });
    const text = JSON.stringify([error, (error as Error).message, (error as Error).cause]);
    expect(text).not.toContain('secret');
    expect(text).toContain('//localhost/a ');
  });

  it('keeps a query, which may hold a secret, out of its messages', async () => {
    server = await ScriptedServer.start(status(403));
    const error: unknown = await connect(`${server.url}?token=secret#x`)
      .next()
      .catch((reason: unknown) => reason);
    expect(isSseError(error, 'SSE_RESPONSE_STATUS')).toBe(true);
    expect(JSON.stringify([(error as Error).message, error])).not.toContain('secret');
    expect(server.requests[0]?.url).toBe('/events?token=secret');
  });

  it('keeps no more than 1000 characters of a refusal, and cancels the rest', async () => {
    server = await ScriptedServer.start((response) => {
      response.writeHead(404).write('x'.repeat(5000));
    });
    await expect(received()).rejects.toMatchObject({ context: { body: 'x'.repeat(1000) } });
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
  });

  it.each([
    ['a line without end', (response: ServerResponse) => pour(response, 'x'.repeat(1000))],
    [
      'lines of data without a blank line',
      (response: ServerResponse) => pour(response, 'data: x\n'.repeat(100)),
    ],
  ])('is %s, after the events before it', async (_name, endless) => {
    server = await ScriptedServer.start((response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: before\n\ndata: ');
      endless(response);
    });
    const events = connect(server.url, { maxEventLength: 10_000 });
    expect((await events.next()).value?.data).toBe('before');
    await expect(events.next()).rejects.toMatchObject({
      code: 'SSE_EVENT_TOO_LARGE',
      message: expect.stringContaining('more than 10000 characters') as string,
      context: { maxEventLength: 10_000 },
    });
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
    expect(server.requests).toHaveLength(1);
  });

  it('is not an event of exactly the allowed length, nor comments in any number', async () => {
    const longest = 'x'.repeat(100 - 'data: '.length - 1);
    const comments = `:${'c'.repeat(60)}\n`.repeat(10);
    server = await ScriptedServer.start(stream(`data: ${longest}\n\n${comments}data: y\n\n`), ended);
    const received: string[] = [];
    const retry = { initialMs: 0 };
    for await (const { data } of connect(server.url, { maxEventLength: 100, retry })) received.push(data);
    expect(received).toEqual([longest, 'y']);
  });

  it('does not wait for a refusal without an end', async () => {
    server = await ScriptedServer.start((response) => {
      response.writeHead(404).write('half a rea');
    });
    const clock = new ManualClock();
    const next = connect(server.url, { clock }).next();
    await clock.timer(2000);
    clock.advance(2000);
    clock.advance(50);
    await expect(next).rejects.toMatchObject({ code: 'SSE_RESPONSE_STATUS' });
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
  });

  it.each([
    ['text/html', '<p>Log in</p>'],
    ['application/x-ndjson', '{}'],
    ['text/event-streams', 'data: x\n\n'],
  ])('is a response of type %s, as an error', async (contentType, body) => {
    server = await ScriptedServer.start(status(200, { 'Content-Type': contentType }, body));
    await expect(received()).rejects.toMatchObject({
      code: 'SSE_RESPONSE_TYPE',
      context: { request: `GET ${server.url}`, status: 200, contentType, body },
    });
    expect(server.requests).toHaveLength(1);
  });

  it('is a response without a type, as an error', async () => {
    server = await ScriptedServer.start(status(200));
    await expect(received()).rejects.toMatchObject({
      code: 'SSE_RESPONSE_TYPE',
      context: { contentType: null },
    });
  });

  it.each(['text/event-stream', 'Text/Event-Stream; charset=UTF-8', 'text/event-stream;x=1'])(
    'does not come from the type %s, with any 2xx status',
    async (contentType) => {
      server = await ScriptedServer.start(status(201, { 'Content-Type': contentType }, 'data: 1\n\n'), ended);
      expect(await received()).toEqual(['1']);
    },
  );

  it('leaves nothing to iterate', async () => {
    server = await ScriptedServer.start(status(404));
    const events = connect(server.url);
    await expect(events.next()).rejects.toMatchObject({ code: 'SSE_RESPONSE_STATUS' });
    expect(events.state).toBe('closed');
    expect(await events.next()).toEqual(DONE);
  });
});

/** Writes until the client goes. */
function pour(response: ServerResponse, text: string): void {
  if (response.destroyed) return;
  if (response.write(text)) setImmediate(pour, response, text);
  else response.once('drain', () => pour(response, text));
}
