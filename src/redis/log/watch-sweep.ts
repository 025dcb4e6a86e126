import type { Clock } from '../../time/clock.js';
import type { ChannelState } from './channel-state.js';
import type { HighWater } from './high-water.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisWatches } from './redis-watches.js';

const AT_ONCE = 500;

/**
 * Looks at the watched channels now and then: keeps Redis from forgetting those that are empty, and wakes those whose
 * announcement was lost, as it may be while a cluster changes.
 */
export class WatchSweep {
  private timer: unknown;

  constructor(
    private readonly link: RedisLink,
    private readonly keys: RedisKeys,
    private readonly state: ChannelState,
    private readonly highWater: HighWater,
    private readonly watches: RedisWatches,
    private readonly clock: Clock,
    private readonly intervalMs: number,
  ) {}

  /** Begins, if it has not. It ends by itself when nothing is watched. */
  start(): void {
    this.timer ??= this.clock.schedule(() => void this.run(), this.intervalMs);
  }

  stop(): void {
    this.clock.cancel(this.timer);
  }

  private async run(): Promise<void> {
    const names = this.watches.names();
    for (let i = 0; i < names.length && this.link.up; i += AT_ONCE) {
      await Promise.all(names.slice(i, i + AT_ONCE).map((name) => this.look(name)));
    }
    this.timer = undefined;
    if (this.watches.names().length > 0) this.start();
  }

  private async look(name: string): Promise<void> {
    const meta = this.keys.meta(name);
    const lifeMs = this.state.lifeMs(name);
    const known = this.highWater.get(name);
    try {
      const [answer] = await Promise.all([
        this.link.send(meta, this.state.query(name)),
        lifeMs > 0 ? this.link.send(meta, ['PEXPIRE', meta, `${lifeMs}`]) : undefined,
      ]);
      const end = this.state.learn(name, answer);
      if (end?.epoch !== known?.epoch || end?.count !== known?.count) this.watches.wake([name]);
    } catch {
      // Redis is away; everything is woken when it is back.
    }
  }
}
