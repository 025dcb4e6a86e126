import type { Clock } from '../time/clock.js';
import type { Sink } from '../events/sink.js';
import type { SseEvent } from '../events/sse-event.js';
import { toEvent, type Emits, type Serialize } from '../events/to-event.js';
import type { Demand } from '../source/source.js';
import { SseError, isSseError } from '../errors/sse.errors.js';
import { ask } from '../channels/ask.js';
import type { LogPosition } from '../log/cursor.js';
import type { Awaitable, EventLog } from '../log/event-log.js';
import { toRecord, type LogRecord } from '../log/log-record.js';

/** What a {@link RunWriter} writes to, and how. */
export interface RunWriterInit {
  readonly log: EventLog;
  readonly channel: string;
  /** Where the channel ends now; from then on this writer alone adds to it. */
  readonly from: LogPosition;
  readonly emits: Emits;
  readonly serialize: Serialize;
  readonly clock: Clock;
  /** The source has no more to say. */
  completed(): void;
  /** The source failed, or a value of it cannot be written. What was written before stays. */
  failed(error: unknown): void;
}

/** One append, and what a source may be ahead of it. */
const BATCH = { events: 256, bytes: 65_536 };
/** A source that cannot be paused may be ahead by so much. */
const MAX_WAITING_BYTES = 1_048_576;
const RETRY_MS = 500;

/**
 * A source's values on their way to the log: those of a turn are one append, one append is under way at a time, and while
 * it is, the source is asked for no more than the next one can take. An outage of the log stops the source, no more.
 */
export class RunWriter implements Sink<unknown>, Demand {
  ended = false;
  /** Nothing is written any more. */
  abandoned = false;
  /** Where the last event is that the log has. */
  last: LogPosition;
  private waiting: LogRecord[] = [];
  private waitingBytes = 0;
  private due = false;
  private writing = false;
  private pausing: { timer: unknown; over: () => void } | undefined;
  private readonly waiters: (() => void)[] = [];

  constructor(private readonly init: RunWriterInit) {
    this.last = init.from;
  }

  get ready(): boolean {
    return this.waitingBytes < BATCH.bytes && this.waiting.length < BATCH.events;
  }

  whenReady(): Promise<void> {
    if (this.ready || this.ended) return Promise.resolve();
    return this.wait();
  }

  next(value: unknown): void {
    if (this.ended) return;
    try {
      const record = this.record(value);
      if (record) this.add(record);
    } catch (error) {
      this.init.failed(error);
    }
  }

  error(error: unknown): void {
    this.init.failed(error);
  }

  complete(): void {
    this.init.completed();
  }

  /** Takes no more, but these last words. Resolves when everything is written, or cannot be. */
  async end(...last: SseEvent[]): Promise<void> {
    this.ended = true;
    for (const event of this.abandoned ? [] : last) this.waiting.push(toRecord(event, undefined));
    this.flush();
    this.wake();
    while (!this.abandoned && (this.writing || this.waiting.length > 0)) await this.wait();
  }

  /** Takes no more and writes no more. */
  abandon(): void {
    this.ended = this.abandoned = true;
    this.waiting = [];
    this.waitingBytes = 0;
    this.init.clock.cancel(this.pausing?.timer);
    this.pausing?.over();
    this.wake();
  }

  private record(value: unknown): LogRecord | undefined {
    const { emits, serialize } = this.init;
    let isText = true;
    const event = toEvent(value, emits, (data) => {
      isText = false;
      return serialize(data);
    });
    const record = event && toRecord(event, undefined);
    // The event has the text; who iterates gets the value back.
    return isText || !record ? record : { ...record, payload: 'json' };
  }

  private add(record: LogRecord): void {
    this.waiting.push(record);
    this.waitingBytes += record.bytes;
    // Not a turn's end: a source that pushes without a pause may have more than memory for one.
    if (!this.ready && !this.writing) this.flush();
    if (this.waitingBytes > MAX_WAITING_BYTES) throw overflow(this.waitingBytes);
    if (this.due) return;
    this.due = true;
    // After the microtasks, so that what a generator yields without a pause is one append.
    process.nextTick(() => {
      this.due = false;
      this.flush();
    });
  }

  private flush(): void {
    while (!this.writing && this.waiting.length > 0) {
      const batch = this.take();
      const answer = this.append(batch);
      if (answer instanceof Promise) {
        this.writing = true;
        void this.settle(batch, answer);
      } else this.last = answer;
    }
    if (this.ready) this.wake();
  }

  private take(): LogRecord[] {
    let bytes = 0;
    let count = 0;
    while (count < BATCH.events && bytes < BATCH.bytes) {
      const record = this.waiting[count];
      if (!record) break;
      bytes += record.bytes;
      count++;
    }
    this.waitingBytes -= bytes;
    return this.waiting.splice(0, count);
  }

  /** The position after the batch. */
  private append(batch: readonly LogRecord[]): Awaitable<LogPosition> {
    const { log, channel } = this.init;
    const answer = ask(() => log.append(channel, batch));
    return answer instanceof Promise ? answer.then((p) => p.at(-1) as string) : (answer.at(-1) as string);
  }

  private async settle(batch: readonly LogRecord[], answer: Promise<LogPosition>): Promise<void> {
    try {
      this.last = await this.persist(batch, answer);
    } catch (error) {
      this.waiting = [];
      this.waitingBytes = 0;
      this.init.failed(error);
    }
    this.writing = false;
    this.flush();
    this.wake();
  }

  /** Waits for an append, and begins anew when it may have failed for the log's sake alone. */
  private async persist(batch: readonly LogRecord[], answer: Awaitable<LogPosition>): Promise<LogPosition> {
    for (;;) {
      try {
        return await answer;
      } catch (error) {
        if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) return this.one(batch, error);
        await this.pause();
        if (this.abandoned) return this.last;
        answer = this.again(batch);
      }
    }
  }

  /** It is not known whether the batch arrived. Nobody else writes here, so what follows the last one is the batch. */
  private async again(batch: readonly LogRecord[]): Promise<LogPosition> {
    const { log, channel } = this.init;
    const limit = { events: batch.length, bytes: Infinity };
    const { entries, gap } = await log.read(channel, this.last, limit);
    const arrived = gap ? undefined : entries.at(-1)?.position;
    return arrived ?? this.append(batch);
  }

  /** A batch is refused as a whole: what stands before the record that is to blame is written all the same. */
  private async one(batch: readonly LogRecord[], error: unknown): Promise<LogPosition> {
    if (batch.length === 1) throw error;
    for (const record of batch) this.last = await this.persist([record], this.append([record]));
    return this.last;
  }

  /** Waits a while for a log that is away, or until nothing is to be written any more. */
  pause(): Promise<void> {
    return new Promise((resolve) => {
      if (this.abandoned) return resolve();
      const over = (): void => {
        this.pausing = undefined;
        resolve();
      };
      this.pausing = { timer: this.init.clock.schedule(over, RETRY_MS), over };
    });
  }

  private wait(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiters.splice(0)) resolve();
  }
}

function overflow(bytes: number): SseError {
  return new SseError('SSE_OVERFLOW', `${bytes} bytes of a run wait for the log.`, {
    remedy: 'Its source pushes faster than the log writes: give a generator, which can wait.',
    context: { bytes },
  });
}
