import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import type { ChannelState } from './channel-state.js';
import { ChannelWriter, type WriterContext } from './channel-writer.js';
import type { KnownHistory } from './history.js';
import { Deadlines, PendingAppend } from './pending-append.js';
import { randomId } from '../link/random-id.js';
import { closed } from '../link/redis-errors.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisLogSettings } from './redis-log.options.js';

/** The appends of this process: a writer for each channel that has some under way, and how long they may wait. */
export class Publisher {
  private readonly writers = new Map<string, ChannelWriter>();
  private readonly context: WriterContext;
  private readonly deadlines: Deadlines;
  private batches = 0;
  /** What waits for an answer, in bytes. */
  private pendingBytes = 0;

  constructor(
    link: RedisLink,
    keys: RedisKeys,
    private readonly settings: RedisLogSettings,
    state: ChannelState,
    history: KnownHistory,
    hampered: WriterContext['hampered'],
  ) {
    this.deadlines = new Deadlines(settings.clock, (append) => this.expire(append));
    this.context = {
      link,
      keys,
      settings,
      state,
      history,
      writer: `${randomId()}${randomId()}`,
      nextBatch: () => ++this.batches,
      hampered,
    };
  }

  /** @throws {SseError} as a rejection `SSE_ID_ORDER` or `SSE_LOG_UNAVAILABLE`. */
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

  /** Goes on after the link came up. */
  resume(): void {
    for (const writer of this.writers.values()) writer.send();
  }

  close(): void {
    this.deadlines.clear();
    for (const writer of this.writers.values()) writer.close(closed());
  }

  /** One append is accepted whatever its size: `checkSizes()` bounds it. */
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
    append.reject(writer?.reasonFor(append) ?? closed());
    writer?.forget();
  }
}

/** The memory that a record takes besides its text while it waits. */
const RECORD_OVERHEAD_BYTES = 256;

function pendingBytes(records: readonly LogRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes + RECORD_OVERHEAD_BYTES, 0);
}

/** One append is one command: a bigger one would keep all others waiting, or Redis would close the connection. */
const MOST_AT_ONCE = { records: 50_000, bytes: 67_108_864 };

/**
 * Makes sure that records can be kept, and sent in one piece.
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
      `At most ${maxEventBytes} are allowed: publish a reference to it, or raise "maxEventBytes".`,
      { channel, bytes, maxEventBytes },
    );
  }
  if (records.length <= MOST_AT_ONCE.records && sum <= MOST_AT_ONCE.bytes) return;
  throw tooLarge(
    `${records.length} events of ${sum} bytes were published to the channel ${quoted(channel)} at once.`,
    `At most ${MOST_AT_ONCE.records} and ${MOST_AT_ONCE.bytes} bytes are allowed: publish them in parts.`,
    { channel, bytes: sum, count: records.length },
  );
}

function tooLarge(what: string, remedy: string, context: Record<string, unknown>): SseError {
  return new SseError('SSE_EVENT_TOO_LARGE', what, { remedy, context });
}
