// Longer than most: what may be sent, and when, is one subject.
import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import { closed, notAppended } from '../../errors/outage.js';
import { SseError } from '../../errors/sse.errors.js';
import { PendingLimit, idOutOfOrder } from '../../log/remote/append-limits.js';
import { Doubts } from '../../log/remote/doubts.js';
import { Deadlines, PendingAppend } from '../../log/remote/pending-append.js';
import { randomId } from '../../random-id.js';
import { retryMs } from '../../time/back-off.js';
import { isTransient, outcomeUnknown, sqlState } from '../link/postgres-errors.js';
import type { PostgresLink } from '../link/postgres-link.js';
import { inSchema } from '../schema/migrations.js';
import { AppendBatch, sizeOf } from './append-batch.js';
import { RestartedError, type LogState, type ServerFacts } from './log-state.js';
import type { Place } from './place.js';
import type { PostgresLogSettings } from './postgres-log.options.js';

const MAX_BATCH_RECORDS = 1000;
const MAX_BATCH_BYTES = 1_048_576;
/** While one batch is being committed, another one can be sent for other channels. */
const LANES = 2;

interface AppendAnswer extends ServerFacts {
  readonly refused: readonly (readonly [group: number, id: string, last: string])[];
  readonly positions: readonly number[];
}

interface ResolveAnswer extends ServerFacts {
  readonly found: Readonly<Record<string, readonly number[]>>;
  readonly evicted: readonly string[];
}

/** The reports of an {@link Appender}. */
export interface AppenderEvents {
  /** These events are in the log. */
  appended(channel: string, records: readonly LogRecord[], last: number): void;
  /** All of an answer was reported. Resolves when the limits of these channels are kept. Never rejects. */
  settle(): Promise<void>;
}

/**
 * Appends to all channels. Appends that are called while a batch is under way form the next one, whatever their channels,
 * so that many channels need few commits. A channel is in one batch at a time: its events keep the order of the calls, also
 * if a batch is retried.
 *
 * If the connection breaks before the answer arrives, the batch may have taken effect, or still do so. The appender then asks
 * `sse_resolve_1()`, which excludes the latter and finds out about the former, before it sends anything else for these
 * channels.
 */
export class Appender {
  /** The waiting appends by channel; the channel that waits for longest is first. */
  private readonly queues = new Map<string, PendingAppend[]>();
  /** Channels that are part of a batch under way. */
  private readonly busy = new Set<string>();
  /** Batches that were sent and whose outcome is not known yet. */
  private readonly open = new Set<AppendBatch>();
  /** Batches whose connection broke before the answer. */
  private readonly unresolved = new Set<AppendBatch>();
  /**
   * Appends that are sent alone, because a batch with them has failed. One of them is under way at a time: a lock that is
   * held for long must not take all lanes.
   */
  private readonly alone = new WeakSet<PendingAppend>();
  /** Appends that were rejected without a known outcome. Reads of their channels wait. */
  readonly doubts = new Doubts();
  private isAloneUnderWay = false;
  private readonly deadlines: Deadlines;
  private readonly limit: PendingLimit;
  private readonly writer = randomId(12);
  private readonly appendText: string;
  private readonly resolveText: string;
  private lanes = 0;
  private batches = 0;
  private attempts = 0;
  private retryTimer: unknown;
  private lastError: unknown;
  private scheduled = false;
  private closed = false;

  constructor(
    private readonly link: PostgresLink,
    private readonly state: LogState,
    private readonly settings: PostgresLogSettings,
    private readonly events: AppenderEvents,
  ) {
    this.deadlines = new Deadlines(settings.clock, settings.waitMs || Infinity, (append) =>
      this.expire(append),
    );
    this.limit = new PendingLimit('PostgreSQL', settings.maxPendingBytes);
    this.appendText = inSchema(
      settings.schema,
      'SELECT $S.sse_append_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)::text',
    );
    this.resolveText = inSchema(settings.schema, 'SELECT $S.sse_resolve_1($1, $2, $3, $4, $5, $6)::text');
  }

  /** Rejects with `SSE_ID_ORDER` or `SSE_LOG_UNAVAILABLE`. */
  append(channel: string, records: readonly LogRecord[]): Promise<readonly LogPosition[]> {
    const settled = this.limit.add(channel, records);
    if (settled instanceof SseError) return Promise.reject(settled);
    const append = new PendingAppend(channel, records, settled);
    if (this.settings.waitMs !== false) this.deadlines.add(append);
    const queue = this.queues.get(channel);
    if (queue) queue.push(append);
    else this.queues.set(channel, [append]);
    this.sendSoon();
    return append.positions;
  }

  /** Continues after the link has come up. */
  resume(): void {
    this.settings.clock.cancel(this.retryTimer);
    this.retryTimer = undefined;
    for (const batch of this.unresolved) this.resolve(batch);
    this.send();
  }

  /** The link is down. Reads fail, and without `waitMs` appends fail too. */
  suspend(error: unknown): void {
    this.doubts.fail(error);
    if (this.settings.waitMs !== false) return;
    for (const queue of this.queues.values()) {
      for (const append of queue.splice(0)) this.reject(append, error, false);
    }
    this.queues.clear();
  }

  close(): void {
    this.closed = true;
    this.deadlines.clear();
    this.settings.clock.cancel(this.retryTimer);
    const waiting = [...[...this.open].map(({ appends }) => appends), ...this.queues.values()].flat();
    for (const append of waiting) append.reject(closed());
    this.queues.clear();
    this.open.clear();
    this.unresolved.clear();
    this.doubts.fail(closed());
  }

  /** After the turn: all appends of a turn can go together. */
  private sendSoon(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      this.send();
    });
  }

  private send(): void {
    const { link, settings } = this;
    if (this.closed) return;
    if (!link.up) return this.suspend(link.error);
    while (this.lanes < LANES && this.retryTimer === undefined) {
      const batch = this.nextBatch();
      if (!batch) return;
      this.lanes++;
      this.open.add(batch);
      for (const channel of batch.channels) this.busy.add(channel);
      void this.ask(this.appendText, batch.args(this.writer, link.lockMs, settings.boundsOrUsual))
        .then(
          (answer) => this.succeed(batch, answer as AppendAnswer),
          (error: unknown) => this.fail(batch, error),
        )
        .then(() => this.answered(batch));
    }
  }

  private answered(batch: AppendBatch): void {
    this.lanes--;
    if (batch.isAlone) this.isAloneUnderWay = false;
    this.send();
  }

  private nextBatch(): AppendBatch | undefined {
    const appends: PendingAppend[] = [];
    const floors = new Map<string, number>();
    let records = 0;
    let bytes = 0;
    for (const [channel, queue] of this.queues) {
      if (this.busy.has(channel)) continue;
      while (records < MAX_BATCH_RECORDS && bytes < MAX_BATCH_BYTES) {
        while (queue[0]?.settled) queue.shift();
        const [append] = queue;
        if (!append) break;
        if (this.alone.has(append)) {
          if (appends.length > 0 || this.isAloneUnderWay) break;
          this.isAloneUnderWay = true;
          queue.shift();
          if (queue.length === 0) this.queues.delete(channel);
          return new AppendBatch(
            ++this.batches,
            [append],
            new Map([[channel, this.state.latest(channel)]]),
            true,
          );
        }
        queue.shift();
        appends.push(append);
        floors.set(channel, this.state.latest(channel));
        records += append.records.length;
        bytes += sizeOf(append.records);
      }
      if (queue.length === 0) this.queues.delete(channel);
      if (records >= MAX_BATCH_RECORDS || bytes >= MAX_BATCH_BYTES) break;
    }
    return appends.length === 0 ? undefined : new AppendBatch(++this.batches, appends, floors, false);
  }

  private async ask(text: string, values: readonly unknown[]): Promise<unknown> {
    const [[answer] = []] = await this.link.query(text, values);
    return JSON.parse(String(answer)) as unknown;
  }

  private async succeed(batch: AppendBatch, answer: AppendAnswer): Promise<void> {
    await this.learn(answer);
    const refused = new Map(answer.refused.map(([group, id, last]) => [group - 1, { id, last }]));
    const places = batch.places(answer.positions, new Set(refused.keys()));
    for (const [i, append] of batch.appends.entries()) {
      const why = refused.get(i);
      if (why) append.reject(idOutOfOrder(append.channel, why.id, why.last));
      else this.accept(append, places[i] ?? []);
    }
    this.attempts = 0;
    await this.events.settle();
    for (const append of batch.appends) append.resolve();
    this.done(batch);
  }

  /** The epoch may be a new one. Then the positions of these events belong to it. */
  private async learn(answer: ServerFacts): Promise<void> {
    try {
      this.state.learn(answer);
    } catch (error) {
      if (!(error instanceof RestartedError)) throw error;
      // If this fails, the link is down, and the next answer is from after the check.
      await this.link.refresh().catch(() => undefined);
    }
  }

  private accept(append: PendingAppend, places: readonly Place[]): void {
    const { channel, records } = append;
    append.accept(places.map((place) => this.state.position(place)));
    const last = places.at(-1);
    if (!last) return;
    this.state.note(channel, last);
    this.events.appended(channel, records, last.pos);
  }

  private fail(batch: AppendBatch, error: unknown): void {
    this.lastError = error;
    if (this.closed) return;
    if (outcomeUnknown(error)) {
      this.unresolved.add(batch);
      if (this.settings.waitMs === false)
        for (const append of batch.appends) this.reject(append, error, true);
      if (this.link.up) this.retryLater();
      return;
    }
    const isSingle = batch.appends.length === 1;
    const isLocked = sqlState(error) === '55P03';
    if (this.settings.waitMs === false || (isSingle && !isTransient(error))) {
      for (const append of batch.appends) this.reject(append, error, false);
      return this.done(batch);
    }
    this.requeue(batch);
    if (isLocked && isSingle) {
      // The channel alone waits, not the others.
      this.settings.clock.schedule(() => {
        this.done(batch);
        this.send();
      }, this.link.lockMs);
      return;
    }
    if (isLocked || !isTransient(error)) for (const append of batch.appends) this.alone.add(append);
    else this.retryLater();
    this.done(batch);
  }

  private requeue({ appends, channels }: AppendBatch): void {
    for (const channel of channels) {
      const before = appends.filter((append) => append.channel === channel && !append.settled);
      if (before.length > 0) this.queues.set(channel, [...before, ...(this.queues.get(channel) ?? [])]);
    }
  }

  private done(batch: AppendBatch): void {
    this.open.delete(batch);
    for (const channel of batch.channels) this.busy.delete(channel);
    this.doubts.settle(batch.appends);
  }

  private resolve(batch: AppendBatch): void {
    this.unresolved.delete(batch);
    const args = [
      this.writer,
      batch.number,
      batch.token,
      this.link.lockMs,
      batch.channels,
      [...batch.floors.values()],
    ];
    this.ask(this.resolveText, args).then(
      async (answer) => {
        await this.resolved(batch, answer as ResolveAnswer);
        this.send();
      },
      () => {
        if (this.closed) return;
        this.unresolved.add(batch);
        if (this.link.up) this.retryLater();
      },
    );
  }

  private async resolved(batch: AppendBatch, answer: ResolveAnswer): Promise<void> {
    await this.learn(answer);
    const found = new Map(Object.entries(answer.found));
    if (found.size > 0) {
      const places = batch.placesFound(found);
      for (const [i, append] of batch.appends.entries()) {
        const there = places[i];
        if (there) {
          this.accept(append, there);
          append.resolve();
        } else this.reject(append, this.lastError, true);
      }
    } else {
      // Nothing was found. If nothing can have been evicted either, nothing was appended.
      const evicted = new Set(answer.evicted);
      const isClear = batch.channels.some((channel) => !evicted.has(channel));
      if (isClear && this.settings.waitMs !== false) this.requeue(batch);
      else for (const append of batch.appends) this.reject(append, this.lastError, !isClear);
    }
    await this.events.settle();
    this.done(batch);
  }

  private retryLater(): void {
    const { clock, waitMs } = this.settings;
    // While the link is down the timer stays, and `resume()` removes it.
    const retry = (): void => void (this.link.up && this.resume());
    this.retryTimer ??= clock.schedule(retry, retryMs(this.attempts++, waitMs));
  }

  private expire(append: PendingAppend): void {
    const isSent = [...this.open].some(({ appends }) => appends.includes(append));
    this.reject(append, this.link.error ?? this.lastError, isSent);
  }

  private reject(append: PendingAppend, error: unknown, unknown: boolean): void {
    if (append.settled) return;
    if (unknown && !append.isAccepted) this.doubts.add(append);
    append.reject(notAppended('PostgreSQL', append.channel, error, unknown));
  }
}
