import { connect, type ConnectOptions } from 'nestjs-event-stream/client';
import {
  ScriptedServer,
  broken,
  ended,
  noAnswer,
  status,
  stream,
} from '../../test/fixtures/client/scripted-server.js';

const AT_ONCE = { initialMs: 0 };

describe('the requests of connect()', () => {
  let server: ScriptedServer;
  afterEach(() => server?.stop());

  async function drain(options: ConnectOptions): Promise<void> {
    for await (const event of connect(server.url, options)) void event;
  }

  it('are those of an EventSource', async () => {
    server = await ScriptedServer.start(ended);
    await drain({});
    const [request] = server.requests;
    expect(request?.method).toBe('GET');
    expect(request?.headers).toMatchObject({ accept: 'text/event-stream', 'cache-control': 'no-cache' });
    expect(request?.headers).not.toHaveProperty('last-event-id');
    expect(request?.headers).not.toHaveProperty('content-type');
  });

  it('are not made before the first event is asked for', async () => {
    server = await ScriptedServer.start(ended);
    const events = connect(server.url);
    expect(events.state).toBe('idle');
    events.close();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(server.requests).toEqual([]);
  });

  it('begin after the id given as `after`, and go on after the last one received', async () => {
    server = await ScriptedServer.start(stream('data: no id\n\n'), broken('id: b-1\ndata: x\n\n'), ended);
    await drain({ after: 'a-9', retry: AT_ONCE });
    expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual(['a-9', 'a-9', 'b-1']);
  });

  it('carry no last event ID after an empty id reset it', async () => {
    server = await ScriptedServer.start(stream('id: 1\ndata: a\n\nid\ndata: b\n\n'), ended);
    await drain({ retry: AT_ONCE });
    expect(server.requests[1]?.headers).not.toHaveProperty('last-event-id');
  });

  it('go on after an id that came without data', async () => {
    server = await ScriptedServer.start(stream('id: 1\ndata: a\n\nid: 2\n\n'), ended);
    await drain({ retry: AT_ONCE });
    expect(server.requests[1]?.headers['last-event-id']).toBe('2');
  });

  it('carry a last event ID beyond ASCII as UTF-8', async () => {
    server = await ScriptedServer.start(stream('id: é✓😀\ndata: a\n\n'), ended);
    await drain({ retry: AT_ONCE });
    const header = server.requests[1]?.headers['last-event-id'] as string;
    expect(Buffer.from(header, 'latin1').toString('utf8')).toBe('é✓😀');
  });

  it('end the iteration where the last event ID cannot be sent', async () => {
    server = await ScriptedServer.start(stream('id: a\u0001b\ndata: a\n\n'));
    await expect(drain({ retry: AT_ONCE })).rejects.toMatchObject({
      code: 'SSE_INVALID_FIELD',
      context: { field: 'id', value: 'a\u0001b' },
    });
    expect(server.requests).toHaveLength(1);
  });

  it('ask a function for the headers of each attempt', async () => {
    server = await ScriptedServer.start(status(503), noAnswer, stream('data: a\n\n'), ended);
    let token = 0;
    await drain({
      headers: () => Promise.resolve({ Authorization: `Bearer ${++token}` }),
      retry: AT_ONCE,
    });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer 1',
      'Bearer 2',
      'Bearer 3',
      'Bearer 4',
    ]);
  });

  it('end the iteration with what the headers function throws', async () => {
    server = await ScriptedServer.start();
    const loggedOut = new Error('logged out');
    await expect(drain({ headers: () => Promise.reject(loggedOut) })).rejects.toBe(loggedOut);
    await expect(
      drain({
        headers: () => {
          throw loggedOut;
        },
      }),
    ).rejects.toBe(loggedOut);
    expect(server.requests).toEqual([]);
  });

  it('leave headers alone that the caller has set', async () => {
    server = await ScriptedServer.start(ended);
    await drain({
      body: {},
      headers: new Headers({
        accept: 'text/event-stream, application/json',
        'content-type': 'application/x+json',
      }),
    });
    expect(server.requests[0]?.headers).toMatchObject({
      accept: 'text/event-stream, application/json',
      'content-type': 'application/x+json',
    });
  });

  it('send an object as JSON with POST, again with each attempt', async () => {
    server = await ScriptedServer.start(status(500), broken('id: 1\ndata: a\n\n'), ended);
    const body = { prompt: 'hi ✓' };
    const iteration = drain({ body, retry: AT_ONCE });
    body.prompt = 'changed meanwhile';
    await iteration;
    expect(server.requests.map(({ method, body: sent }) => [method, sent])).toEqual([
      ['POST', '{"prompt":"hi ✓"}'],
      ['POST', '{"prompt":"hi ✓"}'],
      ['POST', '{"prompt":"hi ✓"}'],
    ]);
    expect(server.requests[2]?.headers).toMatchObject({
      'content-type': 'application/json',
      'last-event-id': '1',
    });
  });

  it.each([
    ['text', 'a=1', 'a=1', 'text/plain;charset=UTF-8'],
    [
      'a form',
      new URLSearchParams({ a: 'ü' }),
      'a=%C3%BC',
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
    ['bytes', new TextEncoder().encode('bytes'), 'bytes', undefined],
    ['a blob', new Blob(['{}'], { type: 'application/ld+json' }), '{}', 'application/ld+json'],
    ['an array', [1, null], '[1,null]', 'application/json'],
    [
      'an object of a class',
      new (class Query {
        sql = 'x';
      })(),
      '{"sql":"x"}',
      'application/json',
    ],
  ])('send %s with any method, twice alike', async (_name, body, sent, contentType) => {
    server = await ScriptedServer.start(noAnswer, ended);
    await drain({ method: 'put', body, retry: AT_ONCE });
    expect(
      server.requests.map((request) => [request.method, request.body, request.headers['content-type']]),
    ).toEqual([
      ['PUT', sent, contentType],
      ['PUT', sent, contentType],
    ]);
  });

  it('hand `credentials` to fetch, and nothing that was not asked for', async () => {
    const inits: RequestInit[] = [];
    const fetch = (_url: string, init: RequestInit): Promise<Response> => {
      inits.push(init);
      return Promise.resolve(new Response(null, { status: 204 }));
    };
    for await (const event of connect('/same-origin', { fetch, credentials: 'include' })) void event;
    for await (const event of connect(new URL('https://example.org/'), { fetch })) void event;
    expect(inits[0]).toMatchObject({ method: 'GET', cache: 'no-store', credentials: 'include' });
    expect(Object.keys(inits[1] ?? {})).toEqual(['method', 'headers', 'cache', 'signal']);
  });
});
