import type { Clock } from '../time/clock.js';
import type { Sink } from '../events/sink.js';
import { isSseEvent, type SseEvent } from '../events/sse-event.js';
import type { AnyContract } from '../events/event-contract.js';
import { validateValue } from '../events/valid-value.js';
import { isMessageEvent, toEvent, type Emits, type Serialize } from '../events/to-event.js';
import type { Demand } from '../source/source.js';
import { SseError, isSseError } from '../errors/sse.errors.js';
import { ask } from '../channels/ask.js';
import type { LogPosition } from '../log/cursor.js';
import type { Awaitable, EventLog } from '../log/event-log.js';
import { LogEntry } from '../log/log-entry.js';
import { toRecord, type LogRecord } from '../log/log-record.js';

/** The channel, the settings and the callbacks of a {@link RunWriter}. */
export interface RunWriterInit {
  readonly log: EventLog;
  readonly channel: string;
  /** The end of the channel. After it, only this writer appends to the channel. */
  readonly from: LogPosition;
  readonly emits: Emits;
  readonly serialize: Serialize;
  readonly contract: AnyContract | undefined;
  readonly clock: Clock;
  /** Events were appended. The next ones wait until this has resolved. It never rejects. */
  appended?(): Promise<void> | undefined;
  /** The source has ended. */
  completed(): void;
  /** The source threw, or yielded a value that cannot be encoded. */
  failed(error: unknown): void;
  /** The log refused an event. It has all events before it and none after it. */
  refused(error: unknown): void;
}

/** The size of one append. A source that can be paused may be this far ahead of the log. */
const BATCH = { events: 256, bytes: 65_536 };
/** The maximum that a source that cannot be paused may be ahead of the log. */
const MAX_WAITING_BYTES = 1_048_576;
const RETRY_MS = 500;

/**
 * Writes the values of a source to the log. Values of one turn form one append, and only one append is pending at a time.
 * Meanwhile at most one more append is pulled from the source. While the log is unavailable, the source waits.
 */
export class RunWriter implements Sink<unknown>, Demand {
  ended = false;
  /** Nothing more is written. */
  abandoned = false;
  /** The position of the last event in the log. */
  last: LogPosition;
  private waiting: LogRecord[] = [];
  private waitingBytes = 0;
  private due = false;
  private writing = false;
  private pausing: { timer: unknown; resume: () => void } | undefined;
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

  /** Takes no more values, but writes these events. Resolves when everything was written, refused or abandoned. */
  async end(...last: SseEvent[]): Promise<void> {
    this.ended = true;
    for (const event of this.abandoned ? [] : last) this.waiting.push(toRecord(event, undefined));
    this.flush();
    this.wake();
    while (!this.abandoned && (this.writing || this.waiting.length > 0)) await this.wait();
  }

  /** Takes no more values and writes nothing more. */
  abandon(): void {
    this.ended = this.abandoned = true;
    this.waiting = [];
    this.waitingBytes = 0;
    this.init.clock.cancel(this.pausing?.timer);
    this.pausing?.resume();
    this.wake();
  }

  private record(value: unknown): LogRecord | undefined {
    const { emits, serialize, contract } = this.init;
    const event = toEvent(value, emits, serialize);
    const record = event && toRecord(event, undefined);
    if (contract) validateValue(contract, value, emits);
    // The data is serialized already. With this payload, subscribers parse it.
    return record && isSerialized(value, emits) ? { ...record, payload: 'json' } : record;
  }

  private add(record: LogRecord): void {
    this.waiting.push(record);
    this.waitingBytes += record.bytes;
    // Flushed within the turn, because a source may push more in one turn than fits into memory.
    if (!this.ready && !this.writing) this.flush();
    if (this.waitingBytes > MAX_WAITING_BYTES) throw overflow(this.waitingBytes);
    if (this.due) return;
    this.due = true;
    // The next tick comes after the microtasks, so that values that a generator yields without a pause become one append.
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

  /** Appends a batch. Returns its last position. */
  private append(batch: readonly LogRecord[]): Awaitable<LogPosition> {
    const { log, channel } = this.init;
    const answer = ask(() => log.append(channel, batch));
    return answer instanceof Promise ? answer.then((p) => p.at(-1) as string) : (answer.at(-1) as string);
  }

  private async settle(batch: readonly LogRecord[], answer: Promise<LogPosition>): Promise<void> {
    try {
      this.last = await this.persist(batch, answer);
      await this.init.appended?.();
    } catch (error) {
      this.waiting = [];
      this.waitingBytes = 0;
      this.init.refused(error);
    }
    this.writing = false;
    this.flush();
    this.wake();
  }

  /** Waits for an append, and repeats it for as long as the log is unavailable. */
  private async persist(batch: readonly LogRecord[], answer: Awaitable<LogPosition>): Promise<LogPosition> {
    for (;;) {
      try {
        return await answer;
      } catch (error) {
        if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) return this.appendSingly(batch, error);
        await this.pause();
        if (this.abandoned) return this.last;
        answer = this.retry(batch);
      }
    }
  }

  /** Retries an append unless it has arrived. Only this writer appends to the channel, so an entry after the last one is the batch. */
  private async retry(batch: readonly LogRecord[]): Promise<LogPosition> {
    const { log, channel } = this.init;
    const limit = { events: batch.length, bytes: Infinity };
    const { entries, gap } = await log.read(channel, this.last, limit);
    const newest = entries.at(-1);
    // After a gap, the newest entry may still be of the batch, if the log keeps fewer events than the batch has.
    const arrived = newest && (!gap || (newest.position > this.last && isEntryOf(newest, batch.at(-1))));
    return arrived ? newest.position : this.append(batch);
  }

  /** Appends the records one by one, because a log rejects a batch as a whole. So all records before the invalid one are stored. */
  private async appendSingly(batch: readonly LogRecord[], error: unknown): Promise<LogPosition> {
    if (batch.length === 1) throw error;
    for (const record of batch) this.last = await this.persist([record], this.append([record]));
    return this.last;
  }

  /** Waits before the next attempt, or until the writer is abandoned. */
  pause(): Promise<void> {
    return new Promise((resolve) => {
      if (this.abandoned) return resolve();
      const resume = (): void => {
        this.pausing = undefined;
        resolve();
      };
      this.pausing = { timer: this.init.clock.schedule(resume, RETRY_MS), resume };
    });
  }

  private wait(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiters.splice(0)) resolve();
  }
}

/** True if the data of a value of the source is not text, so that the serializer has written it. */
function isSerialized(value: unknown, emits: Emits): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'string';
  if (!isSseEvent(value) && (emits === 'data' || !isMessageEvent(value))) return true;
  const { data } = value as Partial<SseEvent>;
  return data !== undefined && typeof data !== 'string';
}

function isEntryOf(entry: LogEntry, record: LogRecord | undefined): boolean {
  return record !== undefined && entry.frame === new LogEntry(entry.channel, entry.position, 0, record).frame;
}

function overflow(bytes: number): SseError {
  return new SseError('SSE_OVERFLOW', `The source of a run is ${bytes} bytes ahead of the log.`, {
    remedy: 'Use a generator, which waits for the log, instead of a source that pushes.',
    context: { bytes },
  });
}
