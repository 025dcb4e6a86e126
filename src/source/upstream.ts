import { SseError, quoted } from '../errors/sse.errors.js';
import { SseEvent } from '../events/sse-event.js';
import { BlockReader } from '../wire/block-reader.js';
import { BlockSplitter } from '../wire/block-splitter.js';
import { PulledSource, type Opened, type Teardown } from './pulled.source.js';
import type { ResponseHead } from './source.js';
import { isReadable, isWebStream, openChunks, type OpenedChunks } from './streams.js';
import {
  bodyOfResponse,
  checkSendable,
  discardResponse,
  isEventStream,
  isWebResponse,
  type WebResponseLike,
} from './web-response.js';

/** An event of another server. `data` is the text that it sent, or `undefined` for an id or a retry alone. */
export interface UpstreamEvent extends SseEvent {
  readonly data: string | undefined;
}

/** Bytes of an event stream: a `Response` of `fetch`, its body, a Node `Readable`, or chunks of bytes or text. */
export type UpstreamBytes = Response | ReadableStream | AsyncIterable<Uint8Array | string>;

/** What {@link eventsOf} takes. */
export interface UpstreamOptions {
  /** Size of the largest event in bytes; a larger one is an error. @default 16_777_216 */
  maxEventBytes?: number;
}

const MAX_EVENT_BYTES = 16_777_216;

/**
 * Reads the event stream of another server event by event, to change its events or to add others. What it gives can be
 * yielded as it is: type, id, retry and data are kept, comments are not. Ending the iteration cancels the upstream.
 *
 * Pass the signal of the handler to `fetch` as well. It also ends a request that has not been answered.
 *
 * @throws {SseError} `SSE_RESPONSE_STATUS` or `SSE_RESPONSE_TYPE` for a `Response` that is not a successful event stream;
 * while iterating, `SSE_EVENT_TOO_LARGE` and whatever reading the upstream throws.
 * @example
 * @Sse('answers', { method: RequestMethod.POST })
 * async *answers(@Body() question: Question, @SseSignal() signal: AbortSignal) {
 *   const response = await fetch(url, { method: 'POST', body: JSON.stringify(question), signal });
 *   for await (const upstream of eventsOf(response)) {
 *     if (upstream.data !== '[DONE]') yield event({ ...upstream, data: translate(upstream.data) });
 *   }
 * }
 */
export function eventsOf(
  upstream: UpstreamBytes,
  { maxEventBytes = MAX_EVENT_BYTES }: UpstreamOptions = {},
): AsyncGenerator<UpstreamEvent, void, undefined> {
  const chunks = chunksOf(upstream);
  const blocks = new BlockEvents(chunks, eventReader(), maxEventBytes);
  const events = iterate(blocks);
  const release = events.return.bind(events);
  // Cancelled first: return() waits for a read that is pending.
  events.return = (value) => {
    chunks.cancel();
    return release(value);
  };
  return events;
}

async function* iterate<T>(blocks: BlockEvents<T>): AsyncGenerator<T, void, undefined> {
  try {
    for (;;) {
      const { done, value } = await blocks.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    blocks.cancel();
  }
}

/**
 * The source of a `Response` whose body is an event stream: its blocks as they are. `undefined` for any other `Response`,
 * which is an ordinary answer.
 *
 * @throws {SseError} `SSE_NOT_STREAMABLE` for a `Response` that cannot be sent.
 */
export function responseSource(response: WebResponseLike, teardown: Teardown): ResponseSource | undefined {
  checkSendable(response);
  return isEventStream(response) ? new ResponseSource(response, teardown) : undefined;
}

/** The blocks of a `Response`, and its head. */
export class ResponseSource extends PulledSource {
  override readonly head: ResponseHead;

  constructor(response: WebResponseLike, teardown: Teardown) {
    super(
      () => openBlocks(response),
      teardown,
      () => discardResponse(response),
    );
    this.head = response;
  }
}

function openBlocks(response: WebResponseLike): Opened {
  const body = bodyOfResponse(response);
  if (!body) return { iterator: [].values() };
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const blocks = new BlockEvents(
    openChunks(body),
    (block) => unchanged(decoder.decode(block)),
    MAX_EVENT_BYTES,
  );
  // What is there already is given without a promise, which a source may do for each value anew.
  return { iterator: blocks as { next(): unknown } as AsyncIterator<unknown>, cancel: () => blocks.cancel() };
}

// Not by raw(), which rejects what clients ignore, such as unknown fields.
function unchanged(block: string): SseEvent {
  return new SseEvent(undefined, undefined, undefined, undefined, undefined, block);
}

/** Makes an event of each block that has data, an id or a retry. */
function eventReader(): (block: Uint8Array) => UpstreamEvent | undefined {
  let retry: number | undefined;
  const reader = new BlockReader((ms) => (retry = ms));
  return (bytes) => {
    retry = undefined;
    const [block] = reader.feed(bytes);
    if (block?.data === undefined && block?.id === undefined && retry === undefined) return undefined;
    const { id, data, type } = block ?? {};
    // `message` is the type of an event without one. A type without data says nothing.
    const named = data === undefined || type === 'message' ? undefined : type;
    return new SseEvent(named, id, retry, undefined, data) as UpstreamEvent;
  };
}

/** What `make` makes of the blocks of an event stream. Calls of `next()` must not overlap. */
class BlockEvents<T> {
  private readonly splitter: BlockSplitter;
  private blocks: Uint8Array[] = [];
  private at = 0;
  private encoder: TextEncoder | undefined;

  constructor(
    private readonly chunks: OpenedChunks,
    private readonly make: (block: Uint8Array) => T | undefined,
    maxBytes: number,
  ) {
    this.splitter = new BlockSplitter(maxBytes);
  }

  next(): IteratorResult<T, undefined> | Promise<IteratorResult<T, undefined>> {
    return this.take() ?? this.read();
  }

  cancel(): void {
    this.chunks.cancel();
  }

  private take(): IteratorResult<T, undefined> | undefined {
    while (this.at < this.blocks.length) {
      const value = this.make(this.blocks[this.at++] as Uint8Array);
      if (value !== undefined) return { done: false, value };
    }
    return undefined;
  }

  // A block without its blank line at the end of the stream is dropped, as every client does (WHATWG HTML, 9.2.6).
  private async read(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const result = await this.chunks.iterator.next();
      if (result.done === true) return { done: true, value: undefined };
      try {
        this.blocks = this.splitter.feed(this.bytesOf(result.value));
        this.at = 0;
        const taken = this.take();
        if (taken) return taken;
      } catch (error) {
        this.cancel();
        throw error;
      }
    }
  }

  private bytesOf(chunk: unknown): Uint8Array {
    if (chunk instanceof Uint8Array) return chunk;
    if (typeof chunk === 'string') return (this.encoder ??= new TextEncoder()).encode(chunk);
    throw new SseError('SSE_RESPONSE_TYPE', `The upstream gave ${quoted(chunk)} as a chunk of its body.`, {
      remedy: 'An event stream is read from chunks of bytes (Uint8Array) or text.',
      context: { chunk },
    });
  }
}

function chunksOf(upstream: UpstreamBytes): OpenedChunks {
  if (isWebResponse(upstream)) {
    checkIsEventStream(upstream);
    const body = bodyOfResponse(upstream);
    return body ? openChunks(body) : NO_CHUNKS;
  }
  if (isWebStream(upstream) || isReadable(upstream)) return openChunks(upstream);
  const iterator = (upstream as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const cancel = (): void => void iterator.return?.().then(undefined, () => undefined);
  return { iterator, cancel };
}

const NO_CHUNKS: OpenedChunks = {
  iterator: { next: () => Promise.resolve({ done: true, value: undefined }) },
  cancel: () => undefined,
};

function checkIsEventStream(response: WebResponseLike & { readonly url?: string }): void {
  const { status, headers, url = '' } = response;
  // A query may contain a key.
  const address = url.replace(/[?#].*$/, '') || 'The upstream';
  const contentType = headers.get('content-type');
  let error: SseError;
  if (status < 200 || status > 299) {
    error = new SseError('SSE_RESPONSE_STATUS', `${address} answered ${status}.`, {
      remedy: 'Check `response.ok`, and throw the exception that your client is to get.',
      context: { status },
    });
  } else if (bodyOfResponse(response) && !isEventStream(response)) {
    error = new SseError('SSE_RESPONSE_TYPE', `${address} answered with ${quoted(contentType)}.`, {
      remedy:
        'Only text/event-stream has events: check the address, and whether the request asks for a stream.',
      context: { status, contentType },
    });
  } else return;
  discardResponse(response);
  throw error;
}
