import { epochSuffix, type LogPosition } from '../../log/cursor.js';
import type { KnownHistory } from './history.js';
import type { EpochArguments } from './lua.js';
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
  parsePrevious,
  vacancy,
  type ChannelEnd,
  type EpochPlace,
} from './place.js';

/** Reads the epoch and the end of a channel from Redis, and compares them with what this process knows. */
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

  /** The command that reads the end of a channel. */
  query(name: string): readonly string[] {
    return ['HMGET', this.keys.meta(name), 'e', 't', 'n', 'k'];
  }

  /** Takes the answer to {@link query}; `undefined` if the channel does not exist or has lost entries. */
  learn(name: string, answer: unknown): ChannelEnd | undefined {
    const end = channelEnd(answer);
    if (!end || this.history.isLostAt(name, end, this.lifeUs(name))) return undefined;
    this.history.note(name, end);
    return end;
  }

  /**
   * The end of a channel for which {@link learn} returned `undefined`. A channel that has lost entries begins a new epoch. A
   * channel that does not exist is not created, because clients can subscribe to any number of invented names.
   */
  async recover(name: string, answer: unknown): Promise<ChannelEnd> {
    return (channelEnd(answer) ? undefined : await this.vacant(name)) ?? this.open(name);
  }

  /** Makes sure that a channel has an epoch. If the channel has lost entries, a new epoch begins. */
  async open(name: string): Promise<ChannelEnd> {
    const args = [...this.epochArgs(name), `${this.lifeMs(name)}`];
    const answer = await runScript(this.link, OPEN_SCRIPT, [this.keys.log(name), this.keys.meta(name)], args);
    const end = channelEnd(answer) as ChannelEnd;
    this.history.note(name, end);
    return end;
  }

  /**
   * True if nothing can have been published between a {@link vacancy} and the epoch that the channel has now. Redis
   * remembers a channel for `lifeMs`. An epoch that began within that time after the vacancy is therefore the first one
   * after it, unless a process knows of another epoch in between.
   */
  isNextAfter(name: string, vacant: EpochPlace, end: ChannelEnd): boolean {
    const since = bornAt(vacant.epoch);
    const born = bornAt(end.epoch);
    const other = bornAt((isVacancy(end) ? this.history.end(name) : end.previous?.[0])?.epoch ?? '');
    if (other >= since && other < born) return false;
    return born >= since && born - since <= this.lifeUs(name);
  }

  /** The arguments from which a script decides whether a channel has lost entries. */
  epochArgs(name: string): EpochArguments {
    const known = this.history.end(name) ?? { epoch: '', us: 0, count: 0, lost: false };
    return [epochSuffix(), known.epoch, entryId(known), known.lost === true ? '1' : ''];
  }

  /** How long Redis remembers a channel from now on. 0 means forever. */
  lifeMs(name: string): number {
    const { maxAgeMs } = this.settings.boundsOrUsual(name);
    const { forgetMs } = this.settings;
    return maxAgeMs === 0 || forgetMs === 0 ? 0 : maxAgeMs + forgetMs;
  }

  private lifeUs(name: string): number {
    return this.lifeMs(name) * 1000 || Infinity;
  }

  /** The end of a channel that does not exist; `undefined` if it exists by now, or if its entries are left in Redis. */
  private async vacant(name: string): Promise<EpochPlace | undefined> {
    const key = this.keys.log(name);
    // Taken before the answer: an event that is announced meanwhile was published after the vacancy.
    const known = this.history.end(name);
    // The time is read first. An event that is published later comes after the vacancy. An earlier one makes the channel exist.
    const [time, epoch, entries] = await this.link.inOrder(key, [
      ['TIME'],
      ['HGET', this.keys.meta(name), 'e'],
      ['EXISTS', key],
    ]);
    if (epoch != null || Number(entries) > 0) return undefined;
    const [seconds, us] = time as readonly unknown[];
    // The vacancy is later than an epoch that is known to be lost. Otherwise each read would report that loss again.
    return vacancy(Math.max(Number(seconds) * 1_000_000 + Number(us), known ? bornAt(known.epoch) + 1 : 0));
  }
}

function channelEnd(answer: unknown): ChannelEnd | undefined {
  const [epoch, us, count, previous] = answer as (string | null)[];
  return epoch == null
    ? undefined
    : { epoch, us: Number(us), count: Number(count), previous: parsePrevious(previous ?? '') };
}
