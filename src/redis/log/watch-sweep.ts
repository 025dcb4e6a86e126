import type { Clock } from '../../time/clock.js';
import type { ChannelState } from './channel-state.js';
import type { KnownHistory } from './history.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisWatches } from './redis-watches.js';

const AT_ONCE = 500;

/**
 * Looks at the watched channels at an interval. It keeps Redis from forgetting those that are empty, and wakes the watchers
 * of those whose announcement was lost, as may happen while a cluster changes.
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
    const known = this.history.end(name);
    try {
      const [answer] = await Promise.all([
        this.link.send(meta, this.state.query(name)),
        lifeMs > 0 ? this.link.send(meta, ['PEXPIRE', meta, `${lifeMs}`]) : undefined,
      ]);
      // A channel that does not exist gets an epoch now. The position of a vacancy is only good for as long as Redis
      // would have remembered the channel, and those who watch it may wait for longer.
      const end = this.state.learn(name, answer) ?? (await this.state.open(name));
      const isNew = known ? end.epoch !== known.epoch || end.count !== known.count : end.count > 0;
      if (isNew) this.watches.wake([name]);
    } catch {
      // Redis is away; everything is woken when it is back.
    }
  }
}
