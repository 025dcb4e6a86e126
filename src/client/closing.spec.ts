import { getEventListeners } from 'node:events';
import { connect } from 'nestjs-event-stream/client';
import { ChunkedFetch } from '../../test/fixtures/client/chunked-fetch.js';
import { ManualClock, impatientClock } from '../../test/fixtures/client/manual-clock.js';
import { ScriptedServer, ended, open, status, stream } from '../../test/fixtures/client/scripted-server.js';

const DONE = { done: true, value: undefined };

describe('the end that the client decides', () => {
  let server: ScriptedServer;
  afterEach(() => server?.stop());

  it('is break, which cancels the request', async () => {
    server = await ScriptedServer.start(open('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n'));
    const { signal } = new AbortController();
    const events = connect(server.url, { signal });
    for await (const event of events) {
      expect(event.data).toBe('1');
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      break;
    }
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect([events.state, events.lastEventId]).toEqual(['closed', '1']);
    expect(await events.next()).toEqual(DONE);
    expect([server.open, server.cutOff, server.requests.length]).toEqual([0, 1, 1]);
  });

  it('is an error thrown in the loop, which cancels the request too', async () => {
    server = await ScriptedServer.start(open('data: 1\n\n'));
    const iteration = (async () => {
      for await (const event of connect(server.url)) throw new Error(event.data);
    })();
    await expect(iteration).rejects.toThrow('1');
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
  });

  it('is close(), for what is being waited for, and what was received but not handed out', async () => {
    server = await ScriptedServer.start(open('data: 1\n\ndata: 2\n\n'), open('data: 1\n\n'));
    const unread = connect(server.url);
    await unread.next();
    unread.close();
    unread.close();
    expect(await unread.next()).toEqual(DONE);
    const waiting = connect(server.url);
    await waiting.next();
    const next = waiting.next();
    waiting.close();
    expect(await next).toEqual(DONE);
    for (const { over } of server.requests) expect(await over).toEqual({ cutOff: true });
    expect([server.open, server.cutOff]).toEqual([0, 2]);
  });

  it('is return(), for a next() that is being waited for as well', async () => {
    server = await ScriptedServer.start(open('data: 1\n\n'));
    const events = connect(server.url);
    await events.next();
    expect(await Promise.all([events.next(), events.return()])).toEqual([DONE, DONE]);
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
  });

  it('is the signal, whose reason is thrown from what is being waited for', async () => {
    server = await ScriptedServer.start(open('data: 1\n\n'));
    const controller = new AbortController();
    const notices: unknown[] = [];
    const events = connect(server.url, {
      signal: controller.signal,
      onRetry: (notice) => notices.push(notice),
    });
    await events.next();
    const next = events.next();
    const reason = new Error('left the page');
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(notices).toEqual([]);
    expect(await events.next()).toEqual(DONE);
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('is the signal between two events as well: the rest is dropped, the reason thrown', async () => {
    server = await ScriptedServer.start(open('data: 1\n\ndata: 2\n\n'));
    const controller = new AbortController();
    const events = connect(server.url, { signal: controller.signal });
    await events.next();
    controller.abort();
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
    await expect(events.next()).rejects.toMatchObject({ name: 'AbortError' });
    expect(events.state).toBe('closed');
  });

  it('is a signal that was aborted before, and no request is made', async () => {
    server = await ScriptedServer.start();
    const signal = AbortSignal.abort('before');
    let asked = 0;
    const headers = (): Record<string, string> => ({ 'X-Asked': String(++asked) });
    const events = connect(server.url, { signal, headers });
    await expect(events.next()).rejects.toBe('before');
    expect([events.state, asked, server.requests.length]).toEqual(['closed', 0, 0]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('leaves no listener on the signal where the stream has ended', async () => {
    server = await ScriptedServer.start(stream('data: 1\n\n'), status(503), ended, status(404));
    const { signal } = new AbortController();
    for await (const event of connect(server.url, { signal, clock: impatientClock })) void event;
    await expect(connect(server.url, { signal }).next()).rejects.toMatchObject({
      code: 'SSE_RESPONSE_STATUS',
    });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('ends a wait for a reconnect, and takes its timer away', async () => {
    server = await ScriptedServer.start(status(503), status(503));
    const clock = new ManualClock();
    const controller = new AbortController();
    const closed = connect(server.url, { clock, random: () => 0 });
    const last = closed.next();
    await clock.timer(1000);
    closed.close();
    expect(await last).toEqual(DONE);
    const aborted = connect(server.url, { clock, random: () => 0, signal: controller.signal });
    const next = aborted.next();
    await clock.timer(1000);
    controller.abort('enough');
    await expect(next).rejects.toBe('enough');
    expect(clock.timers.size).toBe(0);
    expect(server.requests).toHaveLength(2);
  });

  it('ends a wait for the text of a refusal', async () => {
    server = await ScriptedServer.start((response) => {
      response.writeHead(404).write('half a rea');
    });
    const clock = new ManualClock();
    const events = connect(server.url, { clock });
    const next = events.next();
    await clock.timer(2000);
    events.close();
    expect(await next).toEqual(DONE);
    expect(clock.timers.size).toBe(0);
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
  });

  it('ends a wait for headers, and for an answer', async () => {
    let reached: () => void = () => undefined;
    const arrival = (): Promise<void> => new Promise((resolve) => (reached = resolve));
    server = await ScriptedServer.start(() => reached());
    const unending = (): Promise<never> => {
      reached();
      return new Promise(() => undefined);
    };
    for (const options of [{ headers: unending }, {}]) {
      const arrived = arrival();
      const events = connect(server.url, options);
      const next = events.next();
      await arrived;
      events.close();
      expect(await next).toEqual(DONE);
    }
    for (const { over } of server.requests) expect(await over).toEqual({ cutOff: true });
  });
});

describe('the body of a response', () => {
  const utf8 = new TextEncoder();
  const chunks = [1, 2, 3, 4].map((n) => utf8.encode(`data: ${n}a\n\ndata: ${n}b\n\n`));

  it('is read when an event is asked for and none is left, and not before', async () => {
    const source = new ChunkedFetch(chunks);
    const events = connect('http://localhost/', { fetch: source.fetch });
    const pulled: [string | undefined, number][] = [];
    for (let index = 0; index < 4; index += 1) {
      const { value } = await events.next();
      await new Promise(setImmediate);
      pulled.push([value?.data, source.pulled]);
    }
    expect(pulled).toEqual([
      ['1a', 1],
      ['1b', 1],
      ['2a', 2],
      ['2b', 2],
    ]);
    events.close();
    events.close();
    await events.return();
    expect([source.cancelled, source.requests]).toEqual([1, 1]);
  });

  it('is not canceled once it has been read', async () => {
    const source = new ChunkedFetch(chunks);
    let signal: AbortSignal | null | undefined;
    const fetch = (url: string, init: RequestInit): Promise<Response> => {
      signal = init.signal;
      return source.fetch(url, init);
    };
    for await (const event of connect('http://localhost/', { fetch, retry: false })) void event;
    expect([source.cancelled, signal?.aborted]).toEqual([0, false]);
  });

  it('may be none at all', async () => {
    const fetch = (): Promise<Response> =>
      Promise.resolve(new Response(null, { headers: { 'Content-Type': 'text/event-stream' } }));
    expect(await connect('http://localhost/', { fetch, retry: false }).next()).toEqual(DONE);
  });

  it('is canceled if it arrives after the end, from a fetch that ignores its signal', async () => {
    const source = new ChunkedFetch(chunks);
    let answer: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (answer = resolve));
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      await late;
      return source.fetch(url, init);
    };
    const events = connect('http://localhost/', { fetch });
    const next = events.next();
    await Promise.resolve();
    events.close();
    expect(await next).toEqual(DONE);
    answer();
    while (source.cancelled === 0) await new Promise(setImmediate);
    expect(source.cancelled).toBe(1);
  });

  it.each([undefined, {}, { body: { getReader: () => ({ cancel: () => undefined }) } }])(
    'does not end the process if it arrives after the end and is not a Response: %p',
    async (answer) => {
      const rejected: unknown[] = [];
      const listener = (error: unknown): unknown => rejected.push(error);
      process.on('unhandledRejection', listener);
      let release: (given: unknown) => void = () => undefined;
      const late = new Promise<unknown>((resolve) => (release = resolve));
      const events = connect('http://localhost/', { fetch: () => late as Promise<Response> });
      const next = events.next();
      await new Promise(setImmediate);
      events.close();
      expect(await next).toEqual(DONE);
      release(answer);
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      process.off('unhandledRejection', listener);
      expect(rejected).toEqual([]);
    },
  );

  it('is canceled if it arrives in the same turn as the end', async () => {
    const source = new ChunkedFetch(chunks);
    let answer: (response: Response) => void = () => undefined;
    const answered = new Promise<Response>((resolve) => (answer = resolve));
    let asked: () => void = () => undefined;
    const asking = new Promise<void>((resolve) => (asked = resolve));
    const fetch = (): Promise<Response> => {
      asked();
      return answered;
    };
    const events = connect('http://localhost/', { fetch });
    const next = events.next();
    await asking;
    // After the stream's own handler of the answer, and before it goes on.
    void answered.then(() => events.close());
    answer(await source.fetch('', {}));
    expect(await next).toEqual(DONE);
    expect(source.cancelled).toBe(1);
  });
});
