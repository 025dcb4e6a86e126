import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import { notAppended } from '../../errors/outage.js';
import type { SseError } from '../../errors/sse.errors.js';
import { idOutOfOrder } from '../../log/remote/append-limits.js';
import type { PendingAppend } from '../../log/remote/pending-append.js';
import { retryMs } from '../../time/back-off.js';
import { APPEND_SCRIPT, appendArgv, type AppendAnswer } from './append.script.js';
import type { ChannelState } from './channel-state.js';
import type { KnownHistory } from './history.js';
import { isTransient, replyCode } from '../link/redis-errors.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisLogSettings } from './redis-log.options.js';
import { runScript } from '../link/redis-script.js';
import { formatPosition } from './place.js';

/** The parts of a log that all its writers share. */
export interface WriterContext {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  readonly settings: RedisLogSettings;
  readonly state: ChannelState;
  readonly history: KnownHistory;
  /** The name of this process in the keys of receipts. */
  readonly writer: string;
  nextBatch(): number;
  /** Called if Redis added the entries of a batch, but refused to trim, expire or announce them. */
  followUpFailed(channel: string, problem: string): void;
}

interface Batch {
  readonly number: number;
  appends: readonly PendingAppend[];
  /** The batch was sent, and no answer has shown whether Redis executed it. */
  outcomeUnknown: boolean;
  /** When it was sent first, by both clocks: one of them does not count the time in which a machine sleeps. */
  sentAt?: { readonly now: number; readonly wallNow: number };
}

const MAX_BATCH_RECORDS = 1000;
const MAX_BATCH_BYTES = 1_048_576;
/** A larger batch is announced without its entries, and subscribers read them from the stream. */
const NOTICE_BYTES = 16_384;
/** Redis keeps the receipt of a batch for `waitMs` and this time. */
const RECEIPT_MS = 60_000;
/** A batch is sent again for `waitMs` and this time. The rest of the time is for a command on its way. */
const RETRY_MS = RECEIPT_MS / 2;

/**
 * Appends to one channel, one batch at a time. Appends that are called meanwhile form the next batch. So entries keep the
 * order of the calls even if a batch is retried, and a busy channel needs few round trips. `append.script.ts` explains why
 * a batch that is sent again takes effect once.
 */
export class ChannelWriter {
  private readonly queue: PendingAppend[] = [];
  private batch: Batch | undefined;
  private sending = false;
  /** Set while the writer waits before its next attempt. */
  private retryTimer: unknown;
  private attempts = 0;
  /** The error of the last attempt. */
  private lastError: unknown;

  constructor(
    private readonly channel: string,
    private readonly context: WriterContext,
    private readonly onIdle: () => void,
  ) {}

  add(append: PendingAppend): void {
    this.queue.push(append);
    this.send();
  }

  /** Drops appends that have timed out, so that they take no memory and are not sent. */
  dropSettled(): void {
    while (this.queue[0]?.settled) this.queue.shift();
    if (!this.sending) this.send();
  }

  /** The error for an append that timed out. It says whether the events may have been published. */
  timeoutError(append: PendingAppend): SseError {
    const { batch } = this;
    const isSent = batch !== undefined && (batch.outcomeUnknown || this.sending);
    const outcomeUnknown = isSent && batch.appends.includes(append);
    return notAppended('Redis', this.channel, this.context.link.error ?? this.lastError, outcomeUnknown);
  }

  /** Sends the next batch, unless one is under way or the writer waits for a retry. */
  send(): void {
    const { link, settings } = this.context;
    if (this.sending) return;
    // An append that was rejected with "not published" must not be sent. If the outcome of the batch is unknown, the batch
    // must stay as it is: Redis knows it by its number.
    if (this.batch?.outcomeUnknown === false) {
      this.batch.appends = this.batch.appends.filter(({ settled }) => !settled);
    }
    if (this.batch?.appends.every(({ settled }) => settled)) this.batch = undefined;
    this.batch ??= this.nextBatch();
    if (!this.batch) return this.stop();
    if (!link.up && settings.waitMs === false) return this.rejectBatch(link.error, false);
    if (!link.up || this.retryTimer !== undefined) return;
    if (this.batch.outcomeUnknown && this.isTooOld(this.batch)) return this.rejectBatch(this.lastError, true);
    const { clock } = settings;
    this.batch.sentAt ??= { now: clock.now(), wallNow: clock.wallNow() };
    this.sending = true;
    this.deliver(this.batch).then(
      (answer) => this.succeed(answer as string),
      (error: unknown) => this.fail(error),
    );
  }

  /** True if Redis may have lost the receipt, after this process was suspended. Sent again, the batch could take effect twice. */
  private isTooOld({ sentAt }: Batch): boolean {
    const { clock, waitMs } = this.context.settings;
    if (!sentAt) return false;
    const ageMs = Math.max(clock.now() - sentAt.now, clock.wallNow() - sentAt.wallNow);
    return ageMs > RETRY_MS + (waitMs || 0);
  }

  /** Rejects all appends that wait. */
  close(error: unknown): void {
    for (const append of [...(this.batch?.appends ?? []), ...this.queue.splice(0)]) {
      append.reject(error);
    }
    this.batch = undefined;
    this.stop();
  }

  private stop(): void {
    this.context.settings.clock.cancel(this.retryTimer);
    this.onIdle();
  }

  private rejectBatch(error: unknown, outcomeUnknown: boolean): void {
    for (const append of this.batch?.appends ?? []) {
      append.reject(notAppended('Redis', this.channel, error, outcomeUnknown));
    }
    this.proceed();
  }

  private nextBatch(): Batch | undefined {
    const appends: PendingAppend[] = [];
    let records = 0;
    let bytes = 0;
    while (records < MAX_BATCH_RECORDS && bytes < MAX_BATCH_BYTES) {
      const append = this.queue.shift();
      if (!append) break;
      if (append.settled) continue;
      appends.push(append);
      records += append.records.length;
      bytes += append.records.reduce((sum, record) => sum + record.bytes, 0);
    }
    if (appends.length === 0) return undefined;
    return { number: this.context.nextBatch(), appends, outcomeUnknown: false };
  }

  private async deliver({ number, appends }: Batch): Promise<unknown> {
    const { link, keys, settings, state, writer } = this.context;
    const { channel } = this;
    const { maxEvents, maxBytes, maxAgeMs } = settings.boundsOrUsual(channel);
    const args = {
      epoch: state.epochArgs(channel),
      ...{ maxEvents, maxBytes, maxAgeMs },
      exact: settings.exact,
      logLifeMs: maxAgeMs,
      metaLifeMs: state.lifeMs(channel),
      receiptLifeMs: RECEIPT_MS + (settings.waitMs || 0),
      batch: number,
      publishCommand: link.publishCommand,
      notice: keys.notice(channel),
      noticeBytes: NOTICE_BYTES,
    };
    const groups = appends.map(({ records }) => records);
    const names = [keys.log(channel), keys.meta(channel), keys.receipt(channel, writer)] as const;
    return runScript(link, APPEND_SCRIPT, names, appendArgv(args, groups));
  }

  private succeed(answer: string): void {
    const [epoch, us, results, problem] = JSON.parse(answer) as AppendAnswer;
    const appends = this.batch?.appends ?? [];
    let last = 0;
    for (const [i, append] of appends.entries()) {
      const result = results[i];
      if (typeof result === 'number') {
        last = result + append.records.length - 1;
        append.accept(positions(epoch, us, result, append.records));
        append.resolve();
      } else append.reject(idOutOfOrder(this.channel, ...(result as [string, string])));
    }
    if (last > 0) this.context.history.acknowledge(this.channel, { epoch, us, count: last });
    if (problem !== undefined) this.context.followUpFailed(this.channel, problem);
    this.proceed();
  }

  private fail(error: unknown): void {
    const { settings, link } = this.context;
    if (!isTransient(error)) {
      for (const append of this.batch?.appends ?? []) append.reject(error);
      return this.proceed();
    }
    // An error without a code is not an answer of Redis, so Redis may have executed the batch.
    const outcomeUnknown = replyCode(error) === undefined;
    if (settings.waitMs === false) return this.rejectBatch(error, outcomeUnknown);
    this.lastError = error;
    if (this.batch) this.batch.outcomeUnknown ||= outcomeUnknown;
    this.sending = false;
    // A link that is down calls `Publisher.resume()` once it is up. If the link is up, only a timer retries.
    if (link.up) this.retryLater();
    this.dropSettled();
  }

  private proceed(): void {
    this.batch = undefined;
    this.sending = false;
    this.attempts = 0;
    this.send();
  }

  private retryLater(): void {
    const { clock, waitMs } = this.context.settings;
    const retry = (): void => {
      this.retryTimer = undefined;
      this.send();
    };
    this.retryTimer = clock.schedule(retry, retryMs(this.attempts++, waitMs));
  }
}

function positions(
  epoch: string,
  us: number,
  first: number,
  records: readonly LogRecord[],
): readonly LogPosition[] {
  return records.map((_, i) => formatPosition(epoch, { us, count: first + i }));
}
