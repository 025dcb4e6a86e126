import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { wholeNumber } from '../checking/option-kinds.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { SseEvent } from '../events/sse-event.js';
import { blockReader } from '../wire/block-reader.js';
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

/** An event of another server. `data` is its text, or `undefined` if the event has only an id or a retry time. */
export interface UpstreamEvent extends SseEvent {
  readonly data: string | undefined;
}

/** An event stream: a `Response` of `fetch`, its body, a Node `Readable`, or chunks of bytes or text. */
export type UpstreamBytes = Response | ReadableStream | AsyncIterable<Uint8Array | string>;

/** Options of {@link eventsOf}. */
export interface UpstreamOptions {
  /** Maximum size of an event in bytes. A larger one is an error. @default 16_777_216 */
  maxEventBytes?: number;
}

const MAX_EVENT_BYTES = 16_777_216;

const UPSTREAM_TABLE: OptionTable<UpstreamOptions> = { maxEventBytes: wholeNumber(1) };

/**
 * Reads the event stream of another server event by event, to change its events or to add others. A handler can yield the
 * events unchanged. They keep type, id, retry and data, but comments are dropped. Ending the iteration cancels the upstream.
 *
 * Also pass the signal of the handler to `fetch`. It cancels a request that was not answered yet.
 *
 * @throws {SseError} `SSE_RESPONSE_STATUS` or `SSE_RESPONSE_TYPE` for a `Response` that is not a successful event stream;
 * `SSE_INVALID_OPTIONS`. While iterating: `SSE_EVENT_TOO_LARGE`, and any error of reading the upstream.
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
  options: UpstreamOptions = {},
): AsyncGenerator<UpstreamEvent, void, undefined> {
  checkOptions('eventsOf()', options, UPSTREAM_TABLE);
  const { maxEventBytes = MAX_EVENT_BYTES } = options;
  const chunks = chunksOf(upstream);
  const blocks = new BlockEvents(chunks, eventReader(), maxEventBytes);
  const events = iterate(blocks);
  const release = events.return.bind(events);
  // The chunks are canceled first, because return() waits for a pending read.
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
 * The source of a `Response` whose body is an event stream: its unchanged blocks. `undefined` for any other `Response`, which
 * is an ordinary answer.
 *
 * @throws {SseError} `SSE_NOT_STREAMABLE` for a `Response` that cannot be sent.
 */
export function responseSource(response: WebResponseLike, teardown: Teardown): ResponseSource | undefined {
  checkSendable(response);
  return isEventStream(response) ? new ResponseSource(response, teardown) : undefined;
}

/** The blocks and the head of a `Response`. */
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
  // A block that is already here is returned without a promise. `next()` of a source may return either.
  return { iterator: blocks as { next(): unknown } as AsyncIterator<unknown>, cancel: () => blocks.cancel() };
}

// Not with raw(), which rejects text that clients ignore, such as unknown fields.
function unchanged(block: string): SseEvent {
  return new SseEvent(undefined, undefined, undefined, undefined, undefined, block);
}

/** Makes an event of each block that has data, an id or a retry time. */
function eventReader(): (block: Uint8Array) => UpstreamEvent | undefined {
  let retry: number | undefined;
  // A retry time can have any number of digits. event() and other clients take whole numbers up to this one.
  const reader = blockReader((ms) => (retry = Math.min(ms, Number.MAX_SAFE_INTEGER)));
  return (bytes) => {
    retry = undefined;
    const [block] = reader.feed(bytes);
    if (block?.data === undefined && block?.id === undefined && retry === undefined) return undefined;
    const { id, data, type } = block ?? {};
    // `message` is the default type. A type without data has no effect.
    const named = data === undefined || type === 'message' ? undefined : type;
    return new SseEvent(named, id, retry, undefined, data) as UpstreamEvent;
  };
}

/** Iterates over the results of `make` for the blocks of an event stream. Calls of `next()` must not overlap. */
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

  // At the end of the stream, a block without its blank line is dropped (WHATWG HTML, 9.2.6).
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
    throw new SseError('SSE_RESPONSE_TYPE', `The upstream sent an invalid chunk: ${quoted(chunk)}.`, {
      remedy: 'Pass an upstream whose chunks are bytes (Uint8Array) or text.',
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
      remedy: 'Check `response.ok`, and throw the exception that your client should receive.',
      context: { status },
    });
  } else if (bodyOfResponse(response) && !isEventStream(response)) {
    error = new SseError('SSE_RESPONSE_TYPE', `${address} answered with ${quoted(contentType)}.`, {
      remedy:
        'The content type must be text/event-stream. Check the address, and whether the request asks for a stream.',
      context: { status, contentType },
    });
  } else return;
  discardResponse(response);
  throw error;
}
