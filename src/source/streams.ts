import { SseError, quoted } from '../errors/sse.errors.js';
import { EventStreamCheck } from '../wire/event-stream-check.js';
import type { Opened } from './pulled.source.js';

/** The part of a Node `Readable` that we use. Other packages implement it as well. */
export interface ReadableLike extends AsyncIterable<unknown> {
  pipe(...args: never[]): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** The part of a web `ReadableStream` that we use. */
export interface WebStreamLike {
  readonly locked?: boolean;
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

/** Opens a stream. Its values are its chunks, with bytes decoded as text. */
export function openStream(stream: ReadableLike | WebStreamLike): Opened {
  const { iterator, cancel } = openChunks(stream);
  return { iterator: asText(iterator, cancel), cancel };
}

/** The chunks of a stream that was opened. */
export interface OpenedChunks {
  iterator: AsyncIterator<unknown>;
  cancel: () => unknown;
}

/** Opens a stream without decoding its chunks. `cancel` settles a pending read. */
export function openChunks(stream: ReadableLike | WebStreamLike): OpenedChunks {
  if (isWebStream(stream)) {
    const reader = stream.getReader();
    return {
      iterator: { next: () => reader.read() as Promise<IteratorResult<unknown>> },
      // It rejects if the stream has failed or its fetch was aborted, but `read()` already reports that error.
      cancel: () => void reader.cancel().catch(() => undefined),
    };
  }
  // Without a listener, an error before the first read would end the process.
  stream.on('error', () => undefined);
  // destroy(), because return() of a Node stream's iterator waits for a pending read.
  return { iterator: stream[Symbol.asyncIterator](), cancel: () => stream.destroy() };
}

/** Decodes chunks of bytes. A character may be split over two chunks. A chunk without a whole character becomes `undefined`. */
function asText(chunks: AsyncIterator<unknown>, cancel: () => void): AsyncIterator<unknown> {
  let decoder: TextDecoder | undefined;
  let check: EventStreamCheck | undefined = new EventStreamCheck();
  const checked = (text: string): string => {
    if (check?.isEventStream(text)) {
      cancel();
      throw alreadyFormatted(text);
    }
    if (check?.decided) check = undefined;
    return text;
  };
  return {
    async next() {
      const result = await chunks.next();
      if (result.done === true) {
        const rest = decoder?.decode() ?? '';
        decoder = undefined;
        return rest === '' ? result : { done: false, value: rest };
      }
      if (!(result.value instanceof Uint8Array)) {
        if (check && typeof result.value === 'string') checked(result.value);
        return result;
      }
      // A byte order mark is part of the data, and is kept.
      decoder ??= new TextDecoder('utf-8', { ignoreBOM: true });
      const text = decoder.decode(result.value, { stream: true });
      return { done: false, value: text === '' ? undefined : check ? checked(text) : text };
    },
    return: () => chunks.return?.() ?? Promise.resolve({ done: true, value: undefined }),
  };
}

function alreadyFormatted(text: string): SseError {
  return new SseError(
    'SSE_NOT_STREAMABLE',
    `The stream that an @Sse() handler returned is already an event stream. It contains ${quoted(text)}.`,
    {
      remedy:
        'To forward its events, return the Response instead of its body. To change them, use eventsOf(response).',
    },
  );
}
