import { SseError, quoted } from '../errors/sse.errors.js';
import { EventStreamCheck } from '../wire/event-stream-check.js';
import type { Opened } from './pulled.source.js';

/** What is used of a Node `Readable`, of whichever implementation. */
export interface ReadableLike extends AsyncIterable<unknown> {
  pipe(...args: never[]): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** What is used of a web `ReadableStream`. */
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

/** A stream's chunks as values, bytes as text. */
export function openStream(stream: ReadableLike | WebStreamLike): Opened {
  const { iterator, cancel } = openChunks(stream);
  return { iterator: asText(iterator, cancel), cancel };
}

/** The chunks of a stream, opened. */
export interface OpenedChunks {
  iterator: AsyncIterator<unknown>;
  cancel: () => unknown;
}

/** A stream's chunks as they are. `cancel` settles a read that is pending. */
export function openChunks(stream: ReadableLike | WebStreamLike): OpenedChunks {
  if (isWebStream(stream)) {
    const reader = stream.getReader();
    return {
      iterator: { next: () => reader.read() as Promise<IteratorResult<unknown>> },
      // Of a stream that has failed, or whose fetch was aborted, it rejects with what `read()` reports.
      cancel: () => void reader.cancel().catch(() => undefined),
    };
  }
  // An error before anybody reads would otherwise end the process.
  stream.on('error', () => undefined);
  // The stream's own iterator answers return() only after a pending read.
  return { iterator: stream[Symbol.asyncIterator](), cancel: () => stream.destroy() };
}

/** Bytes become text, also where a character is cut in two; a chunk that holds no whole character gives nothing. */
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
      // Bytes are data: a byte order mark among them stays.
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
    `The stream that an @Sse() handler returned is an event stream already: it contains ${quoted(text)}.`,
    {
      remedy:
        'Return the Response in place of its body to pass its events on, or eventsOf(response) to read and change them.',
    },
  );
}
