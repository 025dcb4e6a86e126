import type { LogRecord } from '../../log/log-record.js';
import type { PostgresLink } from '../link/postgres-link.js';
import { inSchema } from '../schema/migrations.js';
import { sizeOf } from './append-batch.js';
import type { PostgresLogSettings } from './postgres-log.options.js';
import type { Watches } from './watches.js';

/** A channel is trimmed once this share of its limit was appended by this process. */
const TRIM_SHARE = 0.25;
/** Channels that were appended to, but not trimmed, are trimmed after this time. */
const TRIM_MS = 60_000;
const MIN_SWEEP_MS = 1000;
const MAX_SWEEP_MS = 30_000;
const SWEEP_COUNT = 5000;
const FORGET_MS = 600_000;
const FORGET_COUNT = 5000;

interface Appended {
  events: number;
  bytes: number;
}

/**
 * Removes what is beyond the limits, outside of appends. Limits by count and size are kept by the processes that append:
 * each knows how much it has added. Limits by age are kept by all processes, one at a time.
 */
export class Keeper {
  /** The appends to each channel since it was trimmed. */
  private readonly appended = new Map<string, Appended>();
  private readonly due = new Set<string>();
  private readonly trimText: string;
  private readonly timers = new Map<string, unknown>();
  private closed = false;
  private leastAgeMs = Infinity;

  constructor(
    private readonly link: PostgresLink,
    private readonly watches: Watches,
    private readonly settings: PostgresLogSettings,
  ) {
    this.trimText = inSchema(
      settings.schema,
      'SELECT $S.sse_trim_1(t.channel, t.events, t.bytes) FROM unnest($1::text[], $2::bigint[], $3::bigint[]) t(channel, events, bytes)',
    );
    this.leastAgeMs = settings.usual.maxAgeMs || Infinity;
  }

  start(): void {
    const { forgetMs } = this.settings;
    this.every(
      'trim',
      () => TRIM_MS,
      () => this.trimAll(),
    );
    this.every(
      'sweep',
      () => this.sweepMs,
      () => this.sweep(),
    );
    if (forgetMs === Infinity) return;
    this.every(
      'forget',
      () => Math.min(forgetMs, FORGET_MS),
      () => this.forget(),
    );
    this.every(
      'touch',
      () => Math.min(forgetMs / 3, 2 ** 31 - 1),
      () => this.touch(),
    );
  }

  /** Counts what was appended to a channel. */
  count(channel: string, records: readonly LogRecord[]): void {
    const { maxEvents, maxBytes, maxAgeMs } = this.settings.boundsOrUsual(channel);
    if (maxAgeMs > 0 && maxAgeMs < this.leastAgeMs) this.leastAgeMs = maxAgeMs;
    if (maxEvents === 0 && maxBytes === 0) return;
    // Channels that are appended to alike must not all be due at once.
    const appended = this.appended.get(channel) ?? {
      events: Math.floor(Math.random() * maxEvents * TRIM_SHARE),
      bytes: 0,
    };
    appended.events += records.length;
    appended.bytes += sizeOf(records);
    this.appended.set(channel, appended);
    const isDue =
      (maxEvents > 0 && appended.events > maxEvents * TRIM_SHARE) ||
      (maxBytes > 0 && appended.bytes > maxBytes * TRIM_SHARE);
    if (isDue) this.due.add(channel);
  }

  /** Trims channels for which it is time. Never rejects; what fails is done with the next append, or the next round. */
  async trim(): Promise<void> {
    const channels = [...this.due];
    if (channels.length === 0) return;
    this.due.clear();
    const before = channels.map((channel) => this.appended.get(channel));
    for (const channel of channels) this.appended.delete(channel);
    const bounds = channels.map((channel) => this.settings.boundsOrUsual(channel));
    try {
      await this.link.query(this.trimText, [
        channels,
        bounds.map(({ maxEvents }) => maxEvents),
        bounds.map(({ maxBytes }) => maxBytes),
      ]);
    } catch {
      for (const [i, appended] of before.entries()) {
        const channel = channels[i];
        if (appended && channel !== undefined && !this.appended.has(channel))
          this.appended.set(channel, appended);
      }
    }
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers.values()) this.settings.clock.cancel(timer);
  }

  private get sweepMs(): number {
    return Math.min(Math.max(this.leastAgeMs / 4, MIN_SWEEP_MS), MAX_SWEEP_MS);
  }

  private trimAll(): Promise<void> {
    for (const channel of this.appended.keys()) this.due.add(channel);
    return this.trim();
  }

  private async sweep(): Promise<void> {
    const text = inSchema(this.settings.schema, 'SELECT $S.sse_sweep_1($1)');
    for (let count = SWEEP_COUNT; count >= SWEEP_COUNT && !this.closed;) {
      const [[swept] = []] = await this.link.query(text, [SWEEP_COUNT]);
      count = Number(swept);
    }
  }

  private async forget(): Promise<void> {
    const text = inSchema(this.settings.schema, 'SELECT $S.sse_forget_1($1, $2)');
    for (let count = FORGET_COUNT; count >= FORGET_COUNT && !this.closed;) {
      const [[forgotten] = []] = await this.link.query(text, [this.settings.forgetMs, FORGET_COUNT]);
      count = Number(forgotten);
    }
  }

  private async touch(): Promise<void> {
    const text = inSchema(this.settings.schema, 'SELECT $S.sse_touch_1($1)');
    const names = this.watches.names();
    for (let i = 0; i < names.length; i += FORGET_COUNT) {
      await this.link.query(text, [names.slice(i, i + FORGET_COUNT)]);
    }
  }

  private every(name: string, ms: () => number, run: () => void | Promise<void>): void {
    if (this.closed) return;
    const next = async (): Promise<void> => {
      try {
        if (this.link.up) await run();
      } catch {
        // The next round does it.
      }
      this.every(name, ms, run);
    };
    this.timers.set(
      name,
      this.settings.clock.schedule(() => void next(), ms()),
    );
  }
}
