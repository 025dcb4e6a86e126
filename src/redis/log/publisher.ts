import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import type { ChannelState } from './channel-state.js';
import { ChannelWriter, type WriterContext } from './channel-writer.js';
import type { HighWater } from './high-water.js';
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

  constructor(
    link: RedisLink,
    keys: RedisKeys,
    private readonly settings: RedisLogSettings,
    state: ChannelState,
    highWater: HighWater,
  ) {
    this.deadlines = new Deadlines(settings.clock, (append) => this.expire(append));
    this.context = {
      link,
      keys,
      settings,
      state,
      highWater,
      writer: `${randomId()}${randomId()}`,
      nextBatch: () => ++this.batches,
    };
  }

  /** @throws {SseError} `SSE_EVENT_TOO_LARGE`; as a rejection `SSE_ID_ORDER` or `SSE_LOG_UNAVAILABLE`. */
  append(channel: string, records: readonly LogRecord[]): Promise<readonly LogPosition[]> {
    const { waitMs, clock } = this.settings;
    const append = new PendingAppend(channel, records, clock.now() + (waitMs || 0));
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
