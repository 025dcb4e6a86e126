import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import type { ChannelState } from './channel-state.js';
import { ChannelWriter, type WriterContext } from './channel-writer.js';
import type { KnownHistory } from './history.js';
import { Deadlines, PendingAppend } from './pending-append.js';
import { randomId } from '../../random-id.js';
import { closed } from '../link/redis-errors.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisLogSettings } from './redis-log.options.js';

/** The pending appends of this process: one writer per channel, the timeouts, and the limit on their size. */
export class Publisher {
  private readonly writers = new Map<string, ChannelWriter>();
  private readonly context: WriterContext;
  private readonly deadlines: Deadlines;
  private batches = 0;
  /** The size of all pending appends. */
  private pendingBytes = 0;

  constructor(
    link: RedisLink,
    keys: RedisKeys,
    private readonly settings: RedisLogSettings,
    state: ChannelState,
    history: KnownHistory,
    followUpFailed: WriterContext['followUpFailed'],
  ) {
    this.deadlines = new Deadlines(settings.clock, (append) => this.expire(append));
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
    const { waitMs, clock } = this.settings;
    const bytes = pendingBytes(records);
    const full = this.fullError(channel, bytes);
    if (full) return Promise.reject(full);
    this.pendingBytes += bytes;
    const settled = (): void => void (this.pendingBytes -= bytes);
    const append = new PendingAppend(channel, records, clock.now() + (waitMs || 0), settled);
    if (waitMs !== false) this.deadlines.add(append);
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

  /** A single append is always accepted, because `checkSizes()` limits its size. */
  private fullError(channel: string, bytes: number): SseError | undefined {
    const { maxPendingBytes } = this.settings;
    const { pendingBytes } = this;
    if (pendingBytes === 0 || pendingBytes + bytes <= maxPendingBytes) return undefined;
    return new SseError(
      'SSE_LOG_UNAVAILABLE',
      `Too many events wait for Redis: ${pendingBytes} bytes, the limit is ${maxPendingBytes}. ` +
        `An event for the channel ${quoted(channel)} was not published.`,
      {
        remedy: 'Wait for publish() before you publish more, or raise "maxPendingBytes".',
        context: { channel, pendingBytes, maxPendingBytes },
      },
    );
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

/** Approximate memory that a pending record takes besides its text. */
const RECORD_OVERHEAD_BYTES = 256;

function pendingBytes(records: readonly LogRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes + RECORD_OVERHEAD_BYTES, 0);
}

/** An append is one command. A larger one would block Redis for too long, or Redis would close the connection. */
const MAX_APPEND = { records: 50_000, bytes: 67_108_864 };

/**
 * Checks that the log can keep these records, and that one command can send them.
 *
 * @throws {SseError} `SSE_EVENT_TOO_LARGE`
 */
export function checkSizes(channel: string, records: readonly LogRecord[], maxEventBytes: number): void {
  let sum = 0;
  for (const { bytes } of records) {
    sum += bytes;
    if (bytes <= maxEventBytes) continue;
    throw tooLarge(
      `An event of ${bytes} bytes was published to the channel ${quoted(channel)}.`,
      `The limit is ${maxEventBytes} bytes. Publish a reference to the data, or raise "maxEventBytes".`,
      { channel, bytes, maxEventBytes },
    );
  }
  if (records.length <= MAX_APPEND.records && sum <= MAX_APPEND.bytes) return;
  throw tooLarge(
    `${records.length} events of ${sum} bytes in total were published to the channel ${quoted(channel)} at once.`,
    `The limit is ${MAX_APPEND.records} events and ${MAX_APPEND.bytes} bytes. Publish them in parts.`,
    { channel, bytes: sum, count: records.length },
  );
}

function tooLarge(what: string, remedy: string, context: Record<string, unknown>): SseError {
  return new SseError('SSE_EVENT_TOO_LARGE', what, { remedy, context });
}
