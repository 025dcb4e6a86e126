import { SseError } from 'nestjs-event-stream';
import { uiMessageChunks, type UiMessageSource } from 'nestjs-event-stream/ai';

const NEVER = new AbortController().signal;
const RUN_STOPPED = new SseError('SSE_RUN_STOPPED', 'The run was stopped.');

async function* of(...values: unknown[]): AsyncGenerator<never> {
  for (const value of values) {
    await new Promise((resolve) => setImmediate(resolve));
    yield value as never;
  }
}

async function collect(source: unknown, signal = NEVER): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of uiMessageChunks(source as UiMessageSource, signal)) chunks.push(chunk);
  return chunks;
}
const start = { type: 'start', messageId: expect.stringMatching(/^\w{16}$/) };
const finish = { type: 'finish', finishReason: 'stop' };
const part = (id: string, ...deltas: string[]) => [
  { type: 'text-start', id },
  ...deltas.map((delta) => ({ type: 'text-delta', id, delta })),
  { type: 'text-end', id },
];

describe('uiMessageChunks()', () => {
  it('puts text into a part, and starts another part after a chunk', async () => {
    const data = { type: 'data-x', data: 1 };
    expect(await collect(of('a', '', 'b', undefined, data, 'c'))).toEqual([
      start,
      ...part('text-1', 'a', 'b'),
      data,
      ...part('text-2', 'c'),
      finish,
    ]);
  });

  it('starts a message of chunks without an ID, and finishes only what it has started', async () => {
    const data = { type: 'data-x', data: 1 };
    expect(await collect(of(data))).toEqual([{ type: 'start' }, data, finish]);
    const ownStart = { type: 'start', messageId: 'm' };
    expect(await collect(of(ownStart, data))).toEqual([ownStart, data]);
    expect(await collect(of(ownStart, 'a'))).toEqual([ownStart, ...part('text-1', 'a'), finish]);
    expect(await collect(of(ownStart, 'a', finish))).toEqual([ownStart, ...part('text-1', 'a'), finish]);
    for (const last of [{ type: 'error', errorText: 'x' }, { type: 'abort' }, finish])
      expect(await collect(of(last))).toEqual([{ type: 'start' }, last]);
    expect(await collect(of())).toEqual([{ type: 'start' }, finish]);
  });

  it.each([
    ['a promise', Promise.resolve(of('a'))],
    ['an array', ['a']],
    ['a web stream', new ReadableStream({ start: (to) => (to.enqueue('a'), to.close()) })],
  ])('accepts %s', async (_name, source) => {
    expect(await collect(source)).toEqual([start, ...part('text-1', 'a'), finish]);
  });

  it('takes a Response of events with JSON, and drops [DONE]', async () => {
    const body = ':\n\ndata: {"type":"start"}\n\ndata: {"type":"abort"}\n\ndata: [DONE]\n\n';
    const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    expect(await collect(response)).toEqual([{ type: 'start' }, { type: 'abort' }]);
  });

  it.each([
    ['text', 'SSE_NOT_STREAMABLE', 'returned "text"'],
    [{}, 'SSE_NOT_STREAMABLE', 'toUIMessageStream()'],
    [null, 'SSE_NOT_STREAMABLE', 'returned null'],
    [of(5), 'SSE_NOT_STREAMABLE', 'has the value 5'],
    [of({ text: 'a' }), 'SSE_NOT_STREAMABLE', "{ type: 'data-weather', data }"],
    [new Response('x', { status: 500 }), 'SSE_RESPONSE_STATUS', 'answered 500'],
    [
      new Response('data: x\n\n', { headers: { 'content-type': 'text/event-stream' } }),
      'SSE_NOT_STREAMABLE',
      'an event with "x"',
    ],
  ])('rejects the source %p', async (source, code, message) => {
    await expect(collect(source)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('ends with `abort` within the turn of a stop, and releases a source that waits', async () => {
    const stop = new AbortController();
    let released = false;
    const source = (async function* () {
      try {
        yield 'a';
        await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
      } finally {
        released = true;
      }
    })();
    const chunks = uiMessageChunks(source, stop.signal);
    for (let n = 0; n < 3; n++) await chunks.next();
    const rest: unknown[] = [];
    const done = (async () => {
      for await (const chunk of chunks) rest.push(chunk);
    })();
    stop.abort(RUN_STOPPED);
    await new Promise((resolve) => process.nextTick(resolve));
    await done;
    expect(rest).toEqual([{ type: 'text-end', id: 'text-1' }, { type: 'abort' }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(released).toBe(true);
  });

  it('does not wait for a source that is late, and releases it when it arrives', async () => {
    const stop = new AbortController();
    let canceled = false;
    let arrive: (source: ReadableStream<string>) => void = () => undefined;
    const chunks = collect(new Promise((resolve) => (arrive = resolve)), stop.signal);
    stop.abort(RUN_STOPPED);
    expect(await chunks).toEqual([{ type: 'start' }, { type: 'abort' }]);
    arrive(new ReadableStream({ cancel: () => void (canceled = true) }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(canceled).toBe(true);
  });

  it('adds nothing for any other abort, and nothing to a message that is complete', async () => {
    expect(await collect(of('a'), AbortSignal.abort())).toEqual([]);
    const stop = new AbortController();
    const chunks = uiMessageChunks(of({ type: 'start' }, finish, 'late'), stop.signal);
    expect([(await chunks.next()).value, (await chunks.next()).value]).toEqual([{ type: 'start' }, finish]);
    stop.abort(RUN_STOPPED);
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });

  it('removes its listener from the signal', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: unknown[]) => (
      listeners++,
      addEventListener.apply(signal, args as never)
    );
    signal.removeEventListener = (...args: unknown[]) => (
      listeners--,
      removeEventListener.apply(signal, args as never)
    );
    await collect(of('a', 'b', 'c'), signal);
    expect(listeners).toBe(0);
  });
});
