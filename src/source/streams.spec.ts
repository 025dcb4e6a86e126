import * as fc from 'fast-check';
import { PassThrough, Readable } from 'node:stream';
import { isReadable, isWebStream, openStream, type WebStreamLike } from './streams.js';

const webStream = (chunks: Iterable<unknown>): WebStreamLike =>
  Readable.toWeb(Readable.from(chunks)) as unknown as WebStreamLike;

async function all(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<unknown[]> {
  const values: unknown[] = [];
  for (;;) {
    const result = await iterator.next();
    if (result.done === true) return values;
    if (result.value !== undefined) values.push(result.value);
  }
}

/** Splits bytes at arbitrary places. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  for (const place of [...places.map((p) => p % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    parts.push(bytes.subarray(from, place));
    from = place;
  }
  return parts;
}

describe('the chunks of a stream', () => {
  it('are the text of its bytes, however those are split', async () => {
    const text = fc.string({ unit: 'binary' });
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.boolean(),
        async (whole, places, web) => {
          const bytes = Buffer.from(whole, 'utf8');
          const parts = cut(bytes, places);
          const { iterator } = openStream(web ? webStream(parts) : Readable.from(parts));
          expect((await all(iterator)).join('')).toBe(bytes.toString('utf8'));
        },
      ),
    );
  });

  it('never split a character', async () => {
    const parts = [...Buffer.from('a€😀', 'utf8')].map((byte) => Buffer.from([byte]));
    expect(await all(openStream(Readable.from(parts)).iterator)).toEqual(['a', '€', '😀']);
  });

  it('stay unchanged if they are not bytes, even between bytes', async () => {
    const chunks = [{ a: 1 }, Buffer.from('b'), 'c', 7];
    expect(await all(openStream(Readable.from(chunks)).iterator)).toEqual([{ a: 1 }, 'b', 'c', 7]);
  });
});

describe('cancelling', () => {
  it('destroys a Node stream, and settles a pending read', async () => {
    const stream = new PassThrough();
    const { iterator, cancel } = openStream(stream);
    const pending = Promise.resolve(iterator.next()).catch((error: Error) => error.message);
    await new Promise((resolve) => setImmediate(resolve));
    cancel?.();
    expect(stream.destroyed).toBe(true);
    expect(await pending).toBeDefined();
  });

  it('cancels a web stream once, and settles a pending read', async () => {
    const cancelled: unknown[] = [];
    const stream = new ReadableStream({ cancel: (reason) => void cancelled.push(reason) });
    const { iterator, cancel } = openStream(stream);
    const pending = iterator.next();
    cancel?.();
    expect(await pending).toEqual({ done: true, value: undefined });
    await iterator.return?.();
    expect(cancelled).toHaveLength(1);
  });

  it('ignores the rejection of a web stream', async () => {
    const stream = new ReadableStream({ cancel: () => Promise.reject(new Error('will not')) });
    openStream(stream).cancel?.();
    await new Promise((resolve) => setImmediate(resolve));
  });
});

it('streams are recognized by their methods', () => {
  expect([isReadable(new PassThrough()), isWebStream(new PassThrough())]).toEqual([true, false]);
  expect([isReadable(new ReadableStream()), isWebStream(new ReadableStream())]).toEqual([false, true]);
  expect([isReadable([]), isWebStream({})]).toEqual([false, false]);
});
