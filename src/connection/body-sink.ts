import type { Writable } from 'node:stream';
import type { Sink } from '../events/sink.js';
import type { Demand, Running, Source } from '../source/source.js';
import { HandedOver, rawRequest, rawResponse, type RawResponse } from './response.js';

/** What becomes of a body. */
export interface BodyListener {
  /** All of it was given to the operating system. */
  sent(): void;
  /** The source failed after the head. */
  failed(error: unknown): void;
}

/** The part of a Fastify reply that we use. */
interface FastifyReplyLike {
  readonly request: object;
  send(payload?: unknown): unknown;
}

/** Compression of any kind, which holds back what it is given until it is told to go on. */
interface Flushing {
  flush?(): void;
}

/** A response to an answer that is not an event stream: chunks of its body go out as they come, at the client's pace. */
export class BodySink implements Sink<unknown>, Demand {
  ended = false;
  ready = true;
  private stream: Writable | undefined;
  private room: (() => void) | undefined;

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

  /** Sends the head, then what `source` gives: at once, or where Fastify has `onSend` hooks after they ran. */
  send(source: Source): Running {
    const raw = this.watch();
    let running: Running | undefined;
    let over = false;
    const start = (stream: Writable): void => {
      this.stream = stream;
      stream.on('drain', () => this.letIn());
      // A client waits for the head, also while nothing of the body is there.
      if ((stream as unknown) === raw) raw.flushHeaders();
      if (!over) running = source.open(this, this);
    };
    if (raw === this.response) start(raw);
    else {
      // The compressing hook of Fastify holds the head and what follows back until it has enough.
      rawRequest(this.reply.request).headers['x-no-compression'] ??= 'stream';
      this.reply.send(new HandedOver(start));
    }
    const unsubscribe = (): void => {
      over = true;
      if (running) running.unsubscribe();
      else source.discard();
    };
    return { unsubscribe };
  }

  next(chunk: unknown): void {
    const stream = this.stream as Writable & Flushing;
    // Only `false` asks to wait: middleware may drop what write() returns.
    const more: unknown = stream.write(chunk);
    this.ready = more !== false;
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
    return new Promise((resolve) => (this.room = resolve));
  }

  private get reply(): FastifyReplyLike {
    return this.response as FastifyReplyLike;
  }

  private watch(): RawResponse {
    const raw = rawResponse(this.response);
    raw.once('finish', () => this.listener.sent());
    raw.once('close', () => this.letIn());
    return raw;
  }

  private letIn(): void {
    this.ready = true;
    this.room?.();
    this.room = undefined;
  }
}
