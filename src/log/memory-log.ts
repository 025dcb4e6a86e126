// More than 250 lines: appending, reading and evicting change one state together.
import { SseError, quoted } from '../errors/sse.errors.js';
import { channelKey, newEpoch, parseSortableNumber, sortableNumber, type LogPosition } from './cursor.js';
import type {
  EventLog,
  KeptEvents,
  LogHealth,
  LogListener,
  LogSlice,
  LogSnapshots,
  ReadLimit,
} from './event-log.js';
import type { LogRecord } from './log-record.js';
import type { Retention } from './retention.js';
import { MemoryAnnouncer } from './memory-announcer.js';
import { MemorySnapshots } from './memory-snapshots.js';
import { MemoryChannel, MemoryEntry, checkIdOrder, type MemoryWatch } from './memory-channel.js';
import {
  CHANNEL_OVERHEAD_BYTES,
  ENTRY_OVERHEAD_BYTES,
  resolveMemoryLogOptions,
  type MemoryLogLimits,
  type MemoryLogOptions,
} from './memory-log.options.js';

/**
 * Creates an event log in the memory of this process, limited by count, bytes and age.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * SseModule.forRoot({ log: memoryLog({ maxEvents: 200, maxAgeMs: 60_000 }) })
 */
export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  return new MemoryLog(resolveMemoryLogOptions(options));
}

/** The log that {@link memoryLog} creates. Reads and appends return their results without promises. */
export class MemoryLog implements EventLog {
  private readonly channels = new Map<string, MemoryChannel>();
  /** Channels with entries. The channel whose last event is the oldest comes first. */
  private readonly filled = new Set<MemoryChannel>();
  private readonly epoch = newEpoch();
  /** The last offset. It counts over all channels, so a channel that is forgotten and recreated never reuses one. */
  private last = 0;
  /** The last offset that was evicted from a forgotten channel. */
  private forgottenThrough = 0;
  private events = 0;
  private bytes = 0;
  private snapshotBytes = 0;
  /** The shortest time for which a channel keeps its events. */
  private leastAgeMs = Infinity;
  readonly snapshots: LogSnapshots;
  private readonly announcer = new MemoryAnnouncer();
  private appending = false;
  private sweepTimer: unknown;
  private closed = false;

  /** @internal See {@link memoryLog}. */
  constructor(private readonly limits: MemoryLogLimits) {
    this.snapshots = new MemorySnapshots({
      maxBytes: (name) => limits.of(name).maxEventBytes,
      channel: (name) => {
        this.assertOpen();
        return this.channels.get(name);
      },
      isCurrent: (position) => this.orderOf(position) !== undefined,
      grown: (channel, bytes) => {
        this.snapshotBytes += bytes;
        this.makeRoom(channel, this.limits.clock.now());
      },
    });
  }

  /** The number of channels and events that the log keeps, and the bytes of these events. */
  stats(): { channels: number; events: number; bytes: number } {
    return { channels: this.channels.size, events: this.events, bytes: this.bytes };
  }

  kept(name: string): KeptEvents {
    const channel = this.channels.get(name);
    if (channel) this.evictAged(channel, this.limits.clock.now());
    const oldest = channel?.entries.at(0);
    const { clock } = this.limits;
    return {
      events: channel?.entries.length ?? 0,
      bytes: channel?.bytes ?? 0,
      oldestAt: oldest && clock.wallNow() - (clock.now() - oldest.at),
    };
  }

  append(
    name: string,
    records: readonly LogRecord[],
  ): readonly LogPosition[] | Promise<readonly LogPosition[]> {
    this.assertOpen();
    // A listener that eviction has called appends: it waits, so that the records of the outer call stay consecutive.
    if (this.appending) return Promise.resolve().then(() => this.append(name, records));
    const known = this.channels.get(name);
    const { maxEventBytes } = known?.limits ?? this.limits.of(name);
    for (const record of records) checkSize(name, record, maxEventBytes);
    checkIdOrder(name, known?.lastOwnId, records);
    if (records.length === 0) return [];
    const channel = this.channelFor(name);
    const now = this.limits.clock.now();
    this.appending = true;
    try {
      return records.map((record) => this.add(channel, record, now));
    } finally {
      this.appending = false;
      this.forgetIfIdle(channel);
    }
  }

  read(name: string, after: LogPosition | undefined, limit: ReadLimit): LogSlice {
    this.assertOpen();
    const channel = this.channels.get(name);
    if (channel) this.evictAged(channel, this.limits.clock.now());
    const evictedThrough = channel?.evictedThrough ?? this.forgottenThrough;
    const known = after === undefined ? undefined : this.orderOf(after);
    const gap = after !== undefined && (known === undefined || known < evictedThrough);
    const order = gap || known === undefined ? evictedThrough : known;
    const start = channel?.indexAfter(order) ?? 0;
    const entries = channel ? take(channel, start, limit) : [];
    // Without entries the end itself is returned, because entries that are evicted later cannot make it a gap.
    const moved = entries.length === 0 ? this.last : evictedThrough;
    const from = gap || after === undefined ? this.position(moved) : after;
    const more = channel ? start + entries.length < channel.entries.length : false;
    if (after !== undefined) return { entries, from, gap, more };
    return { entries, from, gap, more, whole: channel?.whole ?? true };
  }

  tail(): LogPosition {
    this.assertOpen();
    return this.position(this.last);
  }

  locate(name: string, id: string): LogPosition | undefined {
    this.assertOpen();
    const order = this.channels.get(name)?.locate(id);
    return order === undefined ? undefined : this.position(order);
  }

  watch(names: readonly string[], listener: LogListener): () => void {
    this.assertOpen();
    const watch: MemoryWatch = { listener, active: true };
    const watched = names.map((name) => this.channelFor(name));
    for (const channel of watched) {
      if (channel.watches.size === 0) channel.announcedThrough = this.last;
      channel.watches.add(watch);
    }
    return () => {
      watch.active = false;
      for (const channel of watched) {
        channel.watches.delete(watch);
        this.forgetIfIdle(channel);
      }
    };
  }

  retain(prefix: string, retention: Retention): void {
    this.limits.retain(prefix, retention);
  }

  health(): LogHealth {
    return this.closed ? { status: 'down', error: closedError() } : { status: 'up' };
  }

  close(): void {
    this.closed = true;
    this.limits.clock.cancel(this.sweepTimer);
    for (const kept of [this.channels, this.filled, this.announcer]) kept.clear();
    this.events = this.bytes = this.snapshotBytes = 0;
  }

  private add(channel: MemoryChannel, record: LogRecord, now: number): LogPosition {
    const position = this.position(++this.last);
    channel.push(new MemoryEntry(channel.key, position, this.last, record, now, channel));
    this.events++;
    this.bytes += record.bytes;
    this.filled.delete(channel);
    this.filled.add(channel);
    this.announcer.add(channel);
    this.makeRoom(channel, now);
    return position;
  }

  private makeRoom(channel: MemoryChannel, now: number): void {
    const { maxTotalBytes } = this.limits;
    const { maxEvents, maxBytes } = channel.limits;
    while (channel.entries.length > maxEvents || channel.bytes > maxBytes) this.evictOldest(channel);
    this.evictAged(channel, now);
    while (this.usedBytes > maxTotalBytes) {
      const [oldest] = this.filled;
      if (!oldest) break;
      this.evictOldest(oldest);
    }
    this.sweepLater();
  }

  /** The approximate memory of all events and channels. */
  private get usedBytes(): number {
    const overhead = this.events * ENTRY_OVERHEAD_BYTES + this.filled.size * CHANNEL_OVERHEAD_BYTES;
    return this.bytes + this.snapshotBytes + overhead;
  }

  private evictOldest(channel: MemoryChannel): void {
    if (channel.oldestIsUnannounced) this.announcer.announce();
    const evicted = channel.shift();
    if (!evicted) return;
    this.events--;
    this.bytes -= evicted.size;
    if (channel.entries.length > 0) return;
    this.filled.delete(channel);
    this.forgetIfIdle(channel);
  }

  private evictAged(channel: MemoryChannel, now: number): void {
    const { maxAgeMs } = channel.limits;
    for (let oldest = channel.entries.at(0); oldest; oldest = channel.entries.at(0)) {
      if (channel.oldestIsUnannounced || now - oldest.at < maxAgeMs) return;
      this.evictOldest(channel);
    }
  }

  private sweepLater(): void {
    const { leastAgeMs } = this;
    const { clock } = this.limits;
    if (this.sweepTimer !== undefined || leastAgeMs === Infinity || this.filled.size === 0) return;
    const intervalMs = Math.min(Math.max(leastAgeMs / 2, MIN_SWEEP_MS), MAX_SWEEP_MS);
    this.sweepTimer = clock.schedule(() => {
      this.sweepTimer = undefined;
      const now = clock.now();
      for (const channel of this.filled) this.evictAged(channel, now);
      this.sweepLater();
    }, intervalMs);
  }

  private channelFor(name: string): MemoryChannel {
    let channel = this.channels.get(name);
    if (!channel) {
      channel = new MemoryChannel(channelKey(name), this.limits.of(name), this.forgottenThrough);
      this.leastAgeMs = Math.min(this.leastAgeMs, channel.limits.maxAgeMs);
      this.channels.set(name, channel);
    }
    return channel;
  }

  private forgetIfIdle(channel: MemoryChannel): void {
    if (channel.entries.length > 0 || channel.watches.size > 0) return;
    if (this.channels.get(channel.key.name) !== channel) return;
    this.channels.delete(channel.key.name);
    this.snapshotBytes -= channel.snapshotBytes;
    this.forgottenThrough = Math.max(this.forgottenThrough, channel.evictedThrough);
  }

  private position(order: number): LogPosition {
    return `${this.epoch}-${sortableNumber(order)}`;
  }

  /** The offset of a position that this log has assigned; `undefined` for all others. */
  private orderOf(position: LogPosition): number | undefined {
    const dash = position.indexOf('-');
    if (position.slice(0, dash) !== this.epoch || dash === -1) return undefined;
    const order = parseSortableNumber(position.slice(dash + 1));
    return order !== undefined && order <= this.last ? order : undefined;
  }

  private assertOpen(): void {
    if (this.closed) throw closedError();
  }
}

const MIN_SWEEP_MS = 1000;
const MAX_SWEEP_MS = 60_000;

function take(channel: MemoryChannel, start: number, limit: ReadLimit): readonly MemoryEntry[] {
  const entries: MemoryEntry[] = [];
  let bytes = 0;
  for (let i = start; entries.length < limit.events && bytes < limit.bytes; i++) {
    const entry = channel.entries.at(i);
    if (!entry) break;
    entries.push(entry);
    bytes += entry.bytes;
  }
  return entries;
}

function checkSize(channel: string, { bytes }: LogRecord, maxEventBytes: number): void {
  if (bytes <= maxEventBytes) return;
  throw new SseError(
    'SSE_EVENT_TOO_LARGE',
    `An event of ${bytes} bytes was published to the channel ${quoted(channel)}.`,
    {
      remedy: `The limit is ${maxEventBytes} bytes. Publish a reference to the data, or raise "maxEventBytes".`,
      context: { channel, bytes, maxEventBytes },
    },
  );
}

function closedError(): SseError {
  return new SseError('SSE_LOG_UNAVAILABLE', 'The event log was closed.', {
    remedy: 'The application is shutting down. Publish before that.',
  });
}
