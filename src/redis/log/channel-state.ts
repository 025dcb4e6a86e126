import type { LogPosition } from '../../log/cursor.js';
import type { HighWater } from './high-water.js';
import { OPEN_SCRIPT } from './open.script.js';
import { randomId } from '../link/random-id.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisLogSettings } from './redis-log.options.js';
import { runScript } from '../link/redis-script.js';
import { formatPosition, streamId, type StreamEnd } from './stream-place.js';

/** Epochs and ends of channels, as Redis has them and as this process knows them. */
export class ChannelState {
  constructor(
    private readonly link: RedisLink,
    private readonly keys: RedisKeys,
    private readonly settings: RedisLogSettings,
    private readonly highWater: HighWater,
  ) {}

  /** The end of a channel as a position. */
  async tail(name: string): Promise<LogPosition> {
    const end = this.learn(name, await this.link.send(this.keys.meta(name), this.query(name)));
    const { epoch, us, count } = end ?? (await this.open(name));
    return formatPosition(epoch, { us, count });
  }

  /** The newest place that Redis has told this process of. */
  known(name: string): StreamEnd | undefined {
    return this.highWater.get(name);
  }

  /** The channel has lost something in this epoch: the next one who opens it, or appends, begins another. */
  lose(name: string, epoch: string): void {
    this.highWater.lose(name, epoch);
  }

  /** The command that asks for the end of a channel. */
  query(name: string): readonly string[] {
    return ['HMGET', this.keys.meta(name), 'e', 't', 'n'];
  }

  /** Its answer; `undefined` if the channel must be opened first: it is new, or has lost something. */
  learn(name: string, answer: unknown): StreamEnd | undefined {
    const end = streamEnd(answer);
    if (!end || this.highWater.contradicts(name, end)) return undefined;
    this.highWater.raise(name, end);
    return end;
  }

  /** Gives a channel an epoch, a new one if it has lost something. */
  async open(name: string): Promise<StreamEnd> {
    const args = [...this.epochArgs(name), `${this.lifeMs(name)}`];
    const answer = await runScript(this.link, OPEN_SCRIPT, [this.keys.log(name), this.keys.meta(name)], args);
    const end = streamEnd(answer) as StreamEnd;
    this.highWater.raise(name, end);
    return end;
  }

  /** What scripts are told, so that they see whether a channel has lost something. */
  epochArgs(name: string): readonly [fresh: string, epoch: string, place: string] {
    const known = this.highWater.get(name) ?? { epoch: '', us: 0, count: 0 };
    return [randomId(), known.epoch, streamId(known)];
  }

  /** How long a channel is remembered from now on; 0 is for ever. */
  lifeMs(name: string): number {
    const { maxAgeMs } = this.settings.bounds(name);
    const { forgetMs } = this.settings;
    return maxAgeMs === 0 || forgetMs === 0 ? 0 : maxAgeMs + forgetMs;
  }
}

function streamEnd(answer: unknown): StreamEnd | undefined {
  const [epoch, us, count] = answer as (string | null)[];
  return epoch == null ? undefined : { epoch, us: Number(us), count: Number(count) };
}
