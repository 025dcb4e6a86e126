import type { Clock } from '../../time/clock.js';
import type { ChannelState } from './channel-state.js';
import type { KnownHistory } from './history.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisWatches } from './redis-watches.js';

const CONCURRENCY = 500;

/**
 * Checks all watched channels at an interval. It renews their expiry, so that Redis does not forget empty ones. It also
 * wakes the listeners of channels whose announcement was lost, which can happen while a cluster changes its topology.
 */
export class WatchSweep {
  private timer: unknown;

  constructor(
    private readonly link: RedisLink,
    private readonly keys: RedisKeys,
    private readonly state: ChannelState,
    private readonly history: KnownHistory,
    private readonly watches: RedisWatches,
    private readonly clock: Clock,
    private readonly intervalMs: number,
  ) {}

  /** Starts the sweep, unless it runs. It stops when no channel is watched. */
  start(): void {
    this.timer ??= this.clock.schedule(() => void this.run(), this.intervalMs);
  }

  stop(): void {
    this.clock.cancel(this.timer);
  }

  private async run(): Promise<void> {
    const names = this.watches.names();
    for (let i = 0; i < names.length && this.link.up; i += CONCURRENCY) {
      await Promise.all(names.slice(i, i + CONCURRENCY).map((name) => this.check(name)));
    }
    this.timer = undefined;
    if (this.watches.names().length > 0) this.start();
  }

  private async check(name: string): Promise<void> {
    const meta = this.keys.meta(name);
    const lifeMs = this.state.lifeMs(name);
    const known = this.history.end(name);
    try {
      const [answer] = await Promise.all([
        this.link.send(meta, this.state.query(name)),
        lifeMs > 0 ? this.link.send(meta, ['PEXPIRE', meta, `${lifeMs}`]) : undefined,
      ]);
      // A watched channel that does not exist gets an epoch now. The position of a vacancy is valid only for the time that
      // Redis would have remembered the channel, and a subscription can wait longer than that.
      const end = this.state.learn(name, answer) ?? (await this.state.open(name));
      const isNew = known ? end.epoch !== known.epoch || end.count !== known.count : end.count > 0;
      if (isNew) this.watches.wake([name]);
    } catch {
      // Redis is unavailable. All listeners are woken when the link comes up.
    }
  }
}
