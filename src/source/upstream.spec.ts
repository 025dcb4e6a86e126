import { PassThrough, Readable } from 'node:stream';
import { encodeEvent } from '../wire/encode-event.js';
import { event } from '../events/sse-event.js';
import { eventsOf, type UpstreamBytes, type UpstreamEvent } from './upstream.js';

const TEXT =
  ': c\n\nid: 1\nevent: t\ndata: a\ndata: b\n\nretry: 7\n\nid: 2\n\ndata\n\nevent: gone\n\nevent: t\nid: é\nretry: 8\ndata: {"x":1}\n\ndata: cut';
const EVENTS =
  'event: t\nid: 1\ndata: a\ndata: b\n\nretry: 7\n\nid: 2\n\ndata: \n\nevent: t\nid: é\nretry: 8\ndata: {"x":1}\n\n';
const bytes = Buffer.from(TEXT);
const streamed = (body: BodyInit | null, status = 200): Response =>
  new Response(body, { status, headers: { 'content-type': 'text/event-stream' } });

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (const byte of bytes) yield Buffer.from([byte]);
}
async function all(upstream: UpstreamBytes): Promise<UpstreamEvent[]> {
  const events: UpstreamEvent[] = [];
  for await (const one of eventsOf(upstream)) events.push(one);
  return events;
}

describe('the events of an upstream', () => {
  it.each<[string, () => UpstreamBytes]>([
    ['a Response', () => streamed(TEXT)],
    ['a body', () => streamed(bytes).body as ReadableStream],
    ['a body of text', () => Readable.toWeb(Readable.from(TEXT.match(/[^]{1,5}/g) ?? [])) as ReadableStream],
    ['a Readable', () => Readable.from([bytes.subarray(0, 30), bytes.subarray(30)])],
    ['a Readable with an encoding', () => new PassThrough({ encoding: 'utf8' }).end(bytes) as Readable],
    ['an async iterable', pieces],
  ])('are read from %s, with their fields', async (_what, make) => {
    const events = await all(make());
    expect(events.map((one) => encodeEvent(one)).join('')).toBe(EVENTS);
    expect(events.map(({ data }) => data)).toEqual(['a\nb', undefined, undefined, '', '{"x":1}']);
  });

  it.each([
    [{ maxEventBytes: NaN }, 'Invalid option "maxEventBytes": NaN.'],
    [{ maxEventBytes: '1000' }, 'Convert it with Number(…).'],
    [{ maxEventBytes: 0 }, 'Invalid option "maxEventBytes": 0.'],
    [{ maxEventByte: 5 }, 'Did you mean "maxEventBytes"?'],
  ])('are not read with the options %p', (options, message) => {
    expect(() => eventsOf(streamed(TEXT), options as object)).toThrow(message);
  });

  it('have a retry time that can be sent, however large that of the upstream is', async () => {
    const [upstream] = await all(streamed(`retry: ${'9'.repeat(30)}\ndata: a\n\n`));
    expect(event({ ...upstream }).retry).toBe(Number.MAX_SAFE_INTEGER);
    expect(encodeEvent(upstream as UpstreamEvent)).toBe('retry: 9007199254740991\ndata: a\n\n');
  });

  it('are returned as they arrive, and can be changed', async () => {
    const stream = new PassThrough();
    const events = eventsOf(stream);
    stream.write('id: 1\nda');
    const first = events.next();
    stream.write('ta: a\n\n');
    const { value } = await first;
    expect(encodeEvent(event({ ...(value as UpstreamEvent), data: { changed: 1 } }))).toBe(
      'id: 1\ndata: {"changed":1}\n\n',
    );
    await events.return();
    expect(stream.destroyed).toBe(true);
  });

  it('are returned in order to overlapping calls', async () => {
    const events = eventsOf(streamed('data: a\n\ndata: b\n\n'));
    const both = await Promise.all([events.next(), events.next(), events.next()]);
    expect(both.map(({ value }) => (value as UpstreamEvent | undefined)?.data)).toEqual([
      'a',
      'b',
      undefined,
    ]);
  });

  it.each([204, 205])('are empty for a %d', async (status) => {
    expect(await all(streamed(null, status))).toEqual([]);
  });

  it('cancel a pending read at the end of the iteration', async () => {
    let cancelled = 0;
    const open = (): Response => streamed(new ReadableStream({ cancel: () => void cancelled++ }));
    const waiting = eventsOf(open());
    const pending = waiting.next();
    await waiting.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    await eventsOf(open()).return();
    expect(cancelled).toBe(2);
  });

  it('throw an error of the upstream at its place', async () => {
    const failing = Readable.from(
      (async function* () {
        yield 'data: a\n\n';
        throw new Error('broken');
      })(),
    );
    const events = eventsOf(failing);
    expect((await events.next()).value).toMatchObject({ data: 'a' });
    await expect(events.next()).rejects.toThrow('broken');
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('throw for one that is too large, and cancel the upstream', async () => {
    let cancelled = 0;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.from('data: xxxxxxxxxxxxxxxx\n')),
      cancel: () => void cancelled++,
    });
    await expect(eventsOf(streamed(body), { maxEventBytes: 100 }).next()).rejects.toThrow(
      expect.objectContaining({ code: 'SSE_EVENT_TOO_LARGE' }) as Error,
    );
    expect(cancelled).toBe(1);
  });
});

it.each<[string, () => Response, object]>([
  ['an error status', () => streamed('data: a\n\n', 502), { code: 'SSE_RESPONSE_STATUS' }],
  ['another type', () => Response.json({}), { code: 'SSE_RESPONSE_TYPE' }],
  ['no type', () => new Response(bytes), { code: 'SSE_RESPONSE_TYPE' }],
])('a Response with %s is rejected immediately, and released', (_what, make, error) => {
  const response = make();
  expect(() => eventsOf(response)).toThrow(expect.objectContaining(error) as Error);
  expect(response.bodyUsed).toBe(true);
});

it('chunks that are neither bytes nor text are an error', async () => {
  await expect(all(Readable.from([{ data: 1 }]))).rejects.toThrow(
    expect.objectContaining({ code: 'SSE_RESPONSE_TYPE' }) as Error,
  );
});
