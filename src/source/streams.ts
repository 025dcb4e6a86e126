import type { Opened } from './pulled.source.js';

/** What is used of a Node `Readable`, of whichever implementation. */
export interface ReadableLike extends AsyncIterable<unknown> {
  pipe(...args: never[]): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** What is used of a web `ReadableStream`. */
export interface WebStreamLike {
  getReader(): ReadableStreamDefaultReader<unknown>;
  cancel(reason?: unknown): Promise<void>;
}

export function isReadable(value: object): value is ReadableLike {
  const stream = value as Partial<ReadableLike>;
  return (
    typeof stream.pipe === 'function' &&
    typeof stream.destroy === 'function' &&
    typeof stream.on === 'function'
  );
}

export function isWebStream(value: object): value is WebStreamLike {
  const stream = value as Partial<WebStreamLike>;
  return typeof stream.getReader === 'function' && typeof stream.cancel === 'function';
}

/**
 * A Node stream's chunks, bytes as text. Its own iterator answers `return()` only after a pending read, so a
 * stream is destroyed to release it.
 */
export function openReadable(stream: ReadableLike): Opened {
  return { iterator: asText(stream[Symbol.asyncIterator]()), cancel: () => void stream.destroy() };
}

/** A web stream's chunks, bytes as text. Cancelling settles a pending read. */
export function openWebStream(stream: WebStreamLike): Opened {
  const reader = stream.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  const iterator: AsyncIterator<unknown> = {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
  };
  return { iterator: asText(iterator), cancel };
}

/** Bytes become text, also where a character is cut in two; a chunk that holds no whole character gives nothing. */
function asText(chunks: AsyncIterator<unknown>): AsyncIterator<unknown> {
  let decoder: TextDecoder | undefined;
  return {
    async next() {
      const result = await chunks.next();
      if (result.done === true) {
        const rest = decoder?.decode() ?? '';
        decoder = undefined;
        return rest === '' ? result : { done: false, value: rest };
      }
      if (!(result.value instanceof Uint8Array)) return result;
      // Bytes are data: a byte order mark among them stays.
      decoder ??= new TextDecoder('utf-8', { ignoreBOM: true });
      const text = decoder.decode(result.value, { stream: true });
      return { done: false, value: text === '' ? undefined : text };
    },
    return: () => chunks.return?.() ?? Promise.resolve({ done: true, value: undefined }),
  };
}
