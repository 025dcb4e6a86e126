import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import { APPEND_SCRIPT, appendArgv, type AppendAnswer } from './append.script.js';
import type { ChannelState } from './channel-state.js';
import type { KnownHistory } from './history.js';
import type { PendingAppend } from './pending-append.js';
import { isTransient, notAppended, replyCode } from '../link/redis-errors.js';
import type { RedisKeys } from '../link/redis-keys.js';
import { backOffMs, type RedisLink } from '../link/redis-link.js';
import type { RedisLogSettings } from './redis-log.options.js';
import { runScript } from '../link/redis-script.js';
import { formatPosition } from './place.js';

/** What all writers of a log share. */
export interface WriterContext {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  readonly settings: RedisLogSettings;
  readonly state: ChannelState;
  readonly history: KnownHistory;
  /** Who this process is in receipts. */
  readonly writer: string;
  nextBatch(): number;
  /** Redis has added the entries, and refused something that follows them. */
  hampered(channel: string, problem: string): void;
}

interface Batch {
  readonly number: number;
  appends: readonly PendingAppend[];
  /** It was sent, and what became of it is not known. */
  open: boolean;
}

const MOST_RECORDS = 1000;
const MOST_BYTES = 1_048_576;
/** A notice that is bigger only says that something came; who is at the end then reads it. */
const NOTICE_BYTES = 16_384;
const RECEIPT_MS = 60_000;

/**
 * Appends to one channel, one batch at a time. What is published meanwhile makes up the next batch, so the order of the
 * calls holds whatever happens to a batch, and a busy channel costs few round trips. `append.script.ts` explains why a
 * batch that is sent again takes effect once.
 */
export class ChannelWriter {
  private readonly queue: PendingAppend[] = [];
  private batch: Batch | undefined;
  private sending = false;
  private pausing: unknown;
  private attempts = 0;
  /** What the last attempt met. */
  private refusal: unknown;

  constructor(
    private readonly channel: string,
    private readonly context: WriterContext,
    private readonly idle: () => void,
  ) {}

  add(append: PendingAppend): void {
    this.queue.push(append);
    this.send();
  }

  /** An append has been given up; what nobody waits for is not kept, nor sent. */
  forget(): void {
    while (this.queue[0]?.settled) this.queue.shift();
    if (!this.sending) this.send();
  }

  /** Why an append that has waited too long was not appended, or may have been. */
  reasonFor(append: PendingAppend): SseError {
    const { batch } = this;
    const open = batch !== undefined && (batch.open || this.sending) && batch.appends.includes(append);
    return notAppended(this.channel, this.context.link.error ?? this.refusal, open);
  }

  /** Sends what waits, if it can be sent now. */
  send(): void {
    const { link, settings } = this.context;
    if (this.sending) return;
    // An append that was rejected with "not published" must not be sent. One that may be in the log stays in its batch.
    if (this.batch?.open === false) this.batch.appends = this.batch.appends.filter(({ settled }) => !settled);
    if (this.batch?.appends.every(({ settled }) => settled)) this.batch = undefined;
    this.batch ??= this.nextBatch();
    if (!this.batch) return this.stop();
    if (!link.up && settings.waitMs === false) return this.refuseAll(link.error, false);
    if (!link.up || this.pausing !== undefined) return;
    this.sending = true;
    this.deliver(this.batch).then(
      (answer) => this.succeed(answer as string),
      (error: unknown) => this.fail(error),
    );
  }

  /** Fails everything that is under way. */
  close(error: unknown): void {
    for (const append of [...(this.batch?.appends ?? []), ...this.queue.splice(0)]) {
      if (!append.settled) append.reject(error);
    }
    this.batch = undefined;
    this.stop();
  }

  private stop(): void {
    this.context.settings.clock.cancel(this.pausing);
    this.idle();
  }

  private refuseAll(error: unknown, open: boolean): void {
    for (const append of this.batch?.appends ?? []) {
      if (!append.settled) append.reject(notAppended(this.channel, error, open));
    }
    this.proceed();
  }

  private nextBatch(): Batch | undefined {
    const appends: PendingAppend[] = [];
    let records = 0;
    let bytes = 0;
    while (records < MOST_RECORDS && bytes < MOST_BYTES) {
      const append = this.queue.shift();
      if (!append) break;
      if (append.settled) continue;
      appends.push(append);
      records += append.records.length;
      bytes += append.records.reduce((sum, record) => sum + record.bytes, 0);
    }
    return appends.length === 0 ? undefined : { number: this.context.nextBatch(), appends, open: false };
  }

  private async deliver({ number, appends }: Batch): Promise<unknown> {
    const { link, keys, settings, state, writer } = this.context;
    const { channel } = this;
    const { maxEvents, maxBytes, maxAgeMs } = settings.bounds(channel);
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
        append.resolve(positions(epoch, us, result, append.records));
      } else append.reject(disorder(this.channel, ...(result as [string, string])));
    }
    if (last > 0) this.context.history.acknowledge(this.channel, { epoch, us, count: last });
    if (problem !== undefined) this.context.hampered(this.channel, problem);
    this.proceed();
  }

  private fail(error: unknown): void {
    const { settings, link } = this.context;
    if (!isTransient(error)) {
      for (const append of this.batch?.appends ?? []) append.reject(error);
      return this.proceed();
    }
    // Without a code it is not Redis that refused, and nobody knows what became of it.
    const open = replyCode(error) === undefined;
    if (settings.waitMs === false) return this.refuseAll(error, open);
    this.refusal = error;
    if (this.batch) this.batch.open ||= open;
    this.sending = false;
    // A link that is down says when it is up again; one that is up has refused.
    if (link.up) this.pause();
    this.forget();
  }

  private proceed(): void {
    this.batch = undefined;
    this.sending = false;
    this.attempts = 0;
    this.send();
  }

  private pause(): void {
    this.pausing = this.context.settings.clock.schedule(() => {
      this.pausing = undefined;
      this.send();
    }, backOffMs(this.attempts++));
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

function disorder(channel: string, id: string, last: string): SseError {
  return new SseError(
    'SSE_ID_ORDER',
    `The id ${quoted(id)} does not come after ${quoted(last)} in the channel ${quoted(channel)}.`,
    {
      remedy: 'Own ids grow: whole numbers, or texts of one length in the order of their characters.',
      context: { channel, id, last },
    },
  );
}
