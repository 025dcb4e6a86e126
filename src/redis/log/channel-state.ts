import { epochSuffix, type LogPosition } from '../../log/cursor.js';
import type { KnownHistory } from './history.js';
import { OPEN_SCRIPT } from './open.script.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import type { RedisLogSettings } from './redis-log.options.js';
import { runScript } from '../link/redis-script.js';
import {
  bornAt,
  entryId,
  formatPosition,
  isVacancy,
  vacancy,
  type ChannelEnd,
  type EpochPlace,
} from './place.js';

/** Epochs and ends of channels, as Redis has them and as this process knows them. */
export class ChannelState {
  constructor(
    private readonly link: RedisLink,
    private readonly keys: RedisKeys,
    private readonly settings: RedisLogSettings,
    private readonly history: KnownHistory,
  ) {}

  /** The end of a channel as a position. */
  async tail(name: string): Promise<LogPosition> {
    const answer = await this.link.send(this.keys.meta(name), this.query(name));
    const end = this.learn(name, answer) ?? (await this.recover(name, answer));
    return formatPosition(end.epoch, end);
  }

  /** The command that asks for the end of a channel. */
  query(name: string): readonly string[] {
    return ['HMGET', this.keys.meta(name), 'e', 't', 'n', 'k'];
  }

  /** Its answer; `undefined` if the channel does not exist or has lost something. */
  learn(name: string, answer: unknown): ChannelEnd | undefined {
    const end = channelEnd(answer);
    if (!end || this.history.isLostAt(name, end, this.lifeUs(name))) return undefined;
    this.history.note(name, end);
    return end;
  }

  /**
   * The end of a channel whose answer {@link learn} did not accept. A channel that has lost something begins a new epoch.
   * One that does not exist is left alone: reading must not fill Redis with the names that outsiders ask for.
   */
  async recover(name: string, answer: unknown): Promise<ChannelEnd> {
    return (channelEnd(answer) ? undefined : await this.vacant(name)) ?? this.open(name);
  }

  /** Gives a channel an epoch, a new one if it has lost something. */
  async open(name: string): Promise<ChannelEnd> {
    const args = [...this.epochArgs(name), `${this.lifeMs(name)}`];
    const answer = await runScript(this.link, OPEN_SCRIPT, [this.keys.log(name), this.keys.meta(name)], args);
    const end = channelEnd(answer) as ChannelEnd;
    this.history.note(name, end);
    return end;
  }

  /**
   * Whether nothing can have been published between the time of a {@link vacancy} and the end that the channel has now.
   * Redis remembers a channel for `lifeMs`. An epoch that began sooner than that after the vacancy is therefore the first
   * one after it, unless a process knows of another in between.
   */
  isNextAfter(name: string, vacant: EpochPlace, end: ChannelEnd): boolean {
    const since = bornAt(vacant.epoch);
    const born = bornAt(end.epoch);
    const other = bornAt((isVacancy(end) ? this.history.end(name)?.epoch : end.previous) ?? '');
    if (other >= since && other < born) return false;
    return born >= since && born - since <= this.lifeUs(name);
  }

  /** What scripts need to see whether a channel has lost something. */
  epochArgs(name: string): readonly [suffix: string, knownEpoch: string, knownPlace: string] {
    const known = this.history.end(name) ?? { epoch: '', us: 0, count: 0 };
    return [epochSuffix(), known.epoch, entryId(known)];
  }

  /** How long a channel is remembered from now on; 0 is for ever. */
  lifeMs(name: string): number {
    const { maxAgeMs } = this.settings.bounds(name);
    const { forgetMs } = this.settings;
    return maxAgeMs === 0 || forgetMs === 0 ? 0 : maxAgeMs + forgetMs;
  }

  private lifeUs(name: string): number {
    return this.lifeMs(name) * 1000 || Infinity;
  }

  /** The end of a channel that does not exist; `undefined` if it does by now, or if only its entries are left. */
  private async vacant(name: string): Promise<EpochPlace | undefined> {
    const key = this.keys.log(name);
    // As it is before the answer. What is announced meanwhile was published after it.
    const known = this.history.end(name);
    // The time first: what is published after it follows the vacancy, what was published before it exists.
    const [time, epoch, entries] = await this.link.inOrder(key, [
      ['TIME'],
      ['HGET', this.keys.meta(name), 'e'],
      ['EXISTS', key],
    ]);
    if (epoch != null || Number(entries) > 0) return undefined;
    const [seconds, us] = time as readonly unknown[];
    // Later than what is known to be lost, or each read would report that loss again.
    return vacancy(Math.max(Number(seconds) * 1_000_000 + Number(us), known ? bornAt(known.epoch) + 1 : 0));
  }
}

function channelEnd(answer: unknown): ChannelEnd | undefined {
  const [epoch, us, count, previous] = answer as (string | null)[];
  return epoch == null
    ? undefined
    : { epoch, us: Number(us), count: Number(count), previous: previous || undefined };
}
