import type { EventBatch } from './event-batch.js';
import type { BatchConsumer } from './live-readers.js';
import type { ReaderOwner, SubscriptionReader } from './subscription-reader.js';

/** Makes the reader of a subscription, for the subscription that owns it. */
export type MakeReader = (owner: ReaderOwner) => SubscriptionReader;

/** Where a {@link WaitingReader} waits. */
export interface Waiting {
  readonly signal: AbortSignal | undefined;
  /** Calls one of the functions once. Returns a function that stops waiting. */
  start(found: (make: MakeReader) => void, failed: (error: unknown) => void): () => void;
}

/** A reader of a channel that is not known yet. Its subscription is open, and gets no event until the channel is known. */
export class WaitingReader implements SubscriptionReader {
  /** True from the start: it will read its channel from the beginning, so nothing is missed. */
  readonly positioned = true;
  private reader: SubscriptionReader | undefined;
  private stop: (() => void) | undefined;
  private begun = false;
  private over = false;
  private failed: { readonly error: unknown } | undefined;
  private wasAborted = false;

  constructor(
    private readonly waiting: Waiting,
    private readonly owner: ReaderOwner,
  ) {}

  get ended(): boolean {
    return this.reader?.ended ?? this.over;
  }

  get aborted(): boolean {
    return this.wasAborted || this.reader?.aborted === true;
  }

  get failure(): { readonly error: unknown } | undefined {
    return this.reader ? this.reader.failure : this.failed;
  }

  set failure(failure) {
    if (this.reader) this.reader.failure = failure;
    else this.failed = failure;
  }

  get cursor(): string | undefined {
    return this.reader?.cursor;
  }

  begin(): void {
    if (this.begun) return;
    this.begun = true;
    const { signal } = this.waiting;
    if (signal?.aborted === true) return this.handleEvent();
    signal?.addEventListener('abort', this);
    const stop = this.waiting.start(
      (make) => this.found(make),
      (error) => this.fail(error),
    );
    if (this.reader || this.over) stop();
    else this.stop = stop;
  }

  pull(): EventBatch | undefined {
    return this.reader?.pull();
  }

  follow(consumer: BatchConsumer): boolean {
    return this.reader?.follow(consumer) ?? false;
  }

  giveUp(): void {
    this.reader?.giveUp();
  }

  end(): void {
    if (this.reader) return this.reader.end();
    if (this.over) return;
    this.over = true;
    this.release();
    this.owner.notify();
  }

  /** Called by the signal. */
  handleEvent(): void {
    this.wasAborted = true;
    this.end();
  }

  private found(make: MakeReader): void {
    if (this.over || this.reader) return;
    this.release();
    this.reader = make(this.owner);
    this.reader.begin();
    this.owner.notify();
  }

  /** Also called with an error of the consumer, which has got events from a channel that was found. */
  private fail(error: unknown): void {
    if (this.ended) return;
    this.failure = { error };
    this.end();
  }

  private release(): void {
    this.waiting.signal?.removeEventListener('abort', this);
    this.stop?.();
    this.stop = undefined;
  }
}
