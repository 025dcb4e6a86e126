import { connect, type ConnectOptions, type EventStream, type RetryNotice } from 'nestjs-event-stream/client';
import { ManualClock, impatientClock } from '../../test/fixtures/client/manual-clock.js';
import {
  ScriptedServer,
  broken,
  ended,
  noAnswer,
  status,
  stream,
} from '../../test/fixtures/client/scripted-server.js';

describe('reconnecting', () => {
  let server: ScriptedServer;
  let notices: RetryNotice[];
  afterEach(() => server.stop());

  async function received(options: ConnectOptions = {}): Promise<string[]> {
    notices = [];
    const data: string[] = [];
    const events = connect(server.url, {
      clock: impatientClock,
      random: () => 0,
      onRetry: (notice) => notices.push(notice),
      ...options,
    });
    for await (const event of events) data.push(event.data);
    return data;
  }

  const delays = (): number[] => notices.map(({ delayMs }) => delayMs);

  it('continues where a connection broke, without an event lost or repeated', async () => {
    server = await ScriptedServer.start(
      broken('id: 1\ndata: 1\n\nid: 2\ndata: half'),
      broken('id: 2\ndata: 2\n\n'),
      stream('id: 3\ndata: 3\n\n'),
      ended,
    );
    expect(await received()).toEqual(['1', '2', '3']);
    expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      '1',
      '2',
      '3',
    ]);
  });

  it('tells the reason, how often it failed, and the wait', async () => {
    server = await ScriptedServer.start(
      noAnswer,
      status(502, {}, 'bad gateway'),
      stream('data: x\n\n'),
      ended,
    );
    await received();
    expect(notices).toEqual([
      { attempt: 1, delayMs: 1000, error: expect.objectContaining({ message: 'fetch failed' }) as unknown },
      {
        attempt: 2,
        delayMs: 2000,
        error: expect.objectContaining({
          code: 'SSE_RESPONSE_STATUS',
          context: { request: `GET ${server.url}`, status: 502, contentType: null, body: 'bad gateway' },
        }) as unknown,
      },
      { attempt: 0, delayMs: 1000, error: undefined },
    ]);
  });

  it('tries network failures, 5xx, 408, 425 and 429 again, each time after longer', async () => {
    server = await ScriptedServer.start(
      ...[500, 501, 503, 599, 408, 425, 429].map((code) => status(code)),
      noAnswer,
      stream('data: at last\n\n'),
      noAnswer,
      ended,
    );
    expect(await received()).toEqual(['at last']);
    expect(delays()).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 1000, 1000]);
  });

  it('adds jitter', async () => {
    server = await ScriptedServer.start(noAnswer, noAnswer, ended);
    await received({ random: () => 0.5, retry: { jitter: 0.2 } });
    expect(delays()).toEqual([1100, 2200]);
  });

  it('waits as long as the server set, from then on', async () => {
    server = await ScriptedServer.start(
      stream('retry: 50\n\n'),
      status(500),
      status(500),
      broken('retry: 70\n'),
      ended,
    );
    await received({ retry: { minMs: 0 } });
    expect(delays()).toEqual([50, 50, 100, 70]);
  });

  it('keeps a shortest and a longest wait, whatever the server asks for', async () => {
    server = await ScriptedServer.start(
      stream('retry: 0\n\n'),
      stream('data: 1\n\n'),
      stream('retry: 1000000000000000\n\n'),
      status(503, { 'Retry-After': '99999999999' }),
      ended,
    );
    await received();
    expect(delays()).toEqual([500, 500, 3_600_000, 3_600_000]);
  });

  it.each([429, 503, 500])('waits for the Retry-After of a %d, in seconds and as a date', async (code) => {
    server = await ScriptedServer.start(
      status(code, { 'Retry-After': '120' }),
      status(code, { 'Retry-After': 'Sun, 01 Mar 2026 12:05:00 GMT' }),
      status(code, { 'Retry-After': 'some time' }),
      ended,
    );
    await received();
    expect(delays()).toEqual([120_000, 300_000, 4000]);
  });

  it('waits the time it says, and no timer is longer than a timer can be', async () => {
    server = await ScriptedServer.start(status(503, { 'Retry-After': '99999999' }), ended);
    const clock = new ManualClock();
    const events = connect(server.url, { clock, retry: { maxServerMs: 2 ** 31 - 1 } });
    const next = events.next();
    await clock.timer(2 ** 31 - 1);
    expect(events.state).toBe('waiting');
    clock.advance(2 ** 31 - 2);
    expect(server.requests).toHaveLength(1);
    clock.advance(1);
    expect(await next).toEqual({ done: true, value: undefined });
    expect(server.requests).toHaveLength(2);
    expect(clock.timers.size).toBe(0);
  });

  it('shows its state', async () => {
    server = await ScriptedServer.start(stream('data: 1\n\n'), ended);
    const states: string[] = [];
    const events: EventStream = connect(server.url, {
      clock: impatientClock,
      headers: (): Record<string, string> => {
        states.push(events.state);
        return {};
      },
      onRetry: () => states.push(events.state),
    });
    states.push(events.state);
    for await (const _event of events) states.push(events.state);
    states.push(events.state);
    expect(states).toEqual(['idle', 'connecting', 'open', 'waiting', 'connecting', 'closed']);
  });

  it('gives up after maxAttempts failures in a row, with the last one as cause', async () => {
    server = await ScriptedServer.start(
      noAnswer,
      stream('data: 1\n\n'),
      status(500),
      status(503, {}, 'down'),
    );
    await expect(received({ retry: { maxAttempts: 2 } })).rejects.toMatchObject({
      code: 'SSE_RETRIES_EXHAUSTED',
      message: expect.stringContaining(
        `GET ${server.url} failed after 2 attempts: GET ${server.url} answered 503: "down".`,
      ) as string,
      context: { request: `GET ${server.url}`, attempts: 2, lastEventId: '' },
      cause: { code: 'SSE_RESPONSE_STATUS', context: { status: 503 } },
    });
    expect(server.requests).toHaveLength(4);
  });

  it('names what is behind "fetch failed"', async () => {
    server = await ScriptedServer.start();
    const { url } = server;
    await server.stop();
    await expect(connect(url, { retry: { maxAttempts: 1 } }).next()).rejects.toMatchObject({
      message: expect.stringMatching(
        /^GET \S+ failed: connect ECONNREFUSED 127\.0\.0\.1:\d+\. Check/,
      ) as string,
    });
    server = await ScriptedServer.start();
  });

  it('is over after one request where retry is false', async () => {
    server = await ScriptedServer.start(stream('data: 1\n\n'), broken('data: 2\n\n'), status(500));
    expect(await received({ retry: false })).toEqual(['1']);
    await expect(received({ retry: false })).rejects.toMatchObject({ code: 'SSE_RETRIES_EXHAUSTED' });
    await expect(received({ retry: false })).rejects.toMatchObject({ code: 'SSE_RETRIES_EXHAUSTED' });
    expect(server.requests).toHaveLength(3);
  });

  it('takes the end of a response for the end of the stream where the method is not GET', async () => {
    server = await ScriptedServer.start(broken('data: 1\n\n'), stream('data: 2\n\n'));
    expect(await received({ method: 'POST' })).toEqual(['1', '2']);
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    ['GET', false, 1],
    ['POST', true, 2],
  ])(
    'after the end of a %s response is reconnectAfterEnd: %p',
    async (method, reconnectAfterEnd, requests) => {
      server = await ScriptedServer.start(stream('data: 1\n\n'), ended);
      await received({ method, reconnectAfterEnd });
      expect(server.requests).toHaveLength(requests);
    },
  );

  it('throws what onRetry throws', async () => {
    server = await ScriptedServer.start(noAnswer);
    const enough = new Error('enough');
    await expect(
      received({
        onRetry: () => {
          throw enough;
        },
      }),
    ).rejects.toBe(enough);
  });
});
