import type { Writable } from 'node:stream';
import type { Sink } from '../events/sink.js';
import type { Demand, Running, Source } from '../source/source.js';
import { takesMore, type Flushing } from './body.js';
import { ReplyPayload, rawRequest, rawResponse, type RawResponse } from './response.js';

/** Receives the end of a body. */
export interface BodyListener {
  /** The whole body was handed to the operating system. */
  sent(): void;
  /** The source failed after the head was sent. */
  failed(error: unknown): void;
}

/** The part of a Fastify reply that we use. */
interface FastifyReplyLike {
  readonly request: object;
  send(payload?: unknown): unknown;
}

/** Writes a body that is not an event stream. Chunks are sent as they arrive, with backpressure. */
export class BodySink implements Sink<unknown>, Demand {
  ended = false;
  ready = true;
  private stream: Writable | undefined;
  private resolveReady: (() => void) | undefined;

  constructor(
    private readonly response: object,
    private readonly listener: BodyListener,
  ) {}

  /** Sends the head without a body. */
  sendNothing(): void {
    const raw = this.watch();
    if (raw === this.response) raw.end();
    else this.reply.send();
  }

  /** Sends the head and then the chunks of `source`. With Fastify, the `onSend` hooks run before that. */
  send(source: Source): Running {
    const raw = this.watch();
    let running: Running | undefined;
    let over = false;
    const start = (stream: Writable): void => {
      this.stream = stream;
      stream.on('drain', () => this.drained());
      // The client gets the head even if the source has no chunk yet.
      if ((stream as unknown) === raw) raw.flushHeaders();
      if (!over) running = source.open(this, this);
    };
    if (raw === this.response) start(raw);
    else {
      // The compression hook of Fastify would hold back the head and the chunks until it has enough bytes.
      rawRequest(this.reply.request).headers['x-no-compression'] ??= 'stream';
      this.reply.send(new ReplyPayload(start));
    }
    const unsubscribe = (): void => {
      over = true;
      if (running) running.unsubscribe();
      else source.discard();
    };
    return { unsubscribe };
  }

  next(chunk: unknown): void {
    const stream = this.stream as Writable & Partial<Flushing>;
    this.ready = takesMore(stream.write(chunk));
    stream.flush?.();
  }

  complete(): void {
    this.ended = true;
    this.stream?.end();
  }

  error(error: unknown): void {
    this.ended = true;
    this.listener.failed(error);
  }

  whenReady(): Promise<void> {
    if (this.ready || this.ended) return Promise.resolve();
    return new Promise((resolve) => (this.resolveReady = resolve));
  }

  private get reply(): FastifyReplyLike {
    return this.response as FastifyReplyLike;
  }

  private watch(): RawResponse {
    const raw = rawResponse(this.response);
    raw.once('finish', () => this.listener.sent());
    raw.once('close', () => this.drained());
    return raw;
  }

  private drained(): void {
    this.ready = true;
    this.resolveReady?.();
    this.resolveReady = undefined;
  }
}
