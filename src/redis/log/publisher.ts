import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import { closed } from '../../errors/outage.js';
import { SseError } from '../../errors/sse.errors.js';
import { PendingLimit } from '../../log/remote/append-limits.js';
import { Deadlines, PendingAppend } from '../../log/remote/pending-append.js';
import type { ChannelState } from './channel-state.js';
import { ChannelWriter, type WriterContext } from './channel-writer.js';
import type { KnownHistory } from './history.js';
import { randomId } from '../../random-id.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisLogSettings } from './redis-log.options.js';

/** The pending appends of this process: one writer per channel, the timeouts, and the limit on their size. */
export class Publisher {
  private readonly writers = new Map<string, ChannelWriter>();
  private readonly context: WriterContext;
  private readonly deadlines: Deadlines;
  private batches = 0;
  private readonly limit: PendingLimit;

  constructor(
    link: RedisLink,
    keys: RedisKeys,
    private readonly settings: RedisLogSettings,
    state: ChannelState,
    history: KnownHistory,
    followUpFailed: WriterContext['followUpFailed'],
  ) {
    this.limit = new PendingLimit('Redis', settings.maxPendingBytes);
    this.deadlines = new Deadlines(settings.clock, settings.waitMs || Infinity, (append) =>
      this.expire(append),
    );
    this.context = {
      link,
      keys,
      settings,
      state,
      history,
      writer: randomId(12),
      nextBatch: () => ++this.batches,
      followUpFailed,
    };
  }

  /** Rejects with `SSE_ID_ORDER` or `SSE_LOG_UNAVAILABLE`. */
  append(channel: string, records: readonly LogRecord[]): Promise<readonly LogPosition[]> {
    const settled = this.limit.add(channel, records);
    if (settled instanceof SseError) return Promise.reject(settled);
    const append = new PendingAppend(channel, records, settled);
    if (this.settings.waitMs !== false) this.deadlines.add(append);
    this.writerOf(channel).add(append);
    return append.positions;
  }

  /** Sends again after the link has come up. */
  resume(): void {
    for (const writer of this.writers.values()) writer.send();
  }

  close(): void {
    this.deadlines.clear();
    for (const writer of this.writers.values()) writer.close(closed());
  }

  private writerOf(channel: string): ChannelWriter {
    let writer = this.writers.get(channel);
    if (!writer) {
      writer = new ChannelWriter(channel, this.context, () => this.writers.delete(channel));
      this.writers.set(channel, writer);
    }
    return writer;
  }

  private expire(append: PendingAppend): void {
    const writer = this.writers.get(append.channel);
    append.reject(writer?.timeoutError(append) ?? closed());
    writer?.dropSettled();
  }
}
