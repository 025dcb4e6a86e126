import { epochOf, type LogPosition } from '../../log/cursor.js';
import type { LogSnapshot, LogSnapshots } from '../../log/event-log.js';
import { checkSnapshotSize } from '../../log/snapshot-size.js';
import type { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import { runScript } from '../link/redis-script.js';
import { entryId, parsePosition } from './place.js';
import type { RedisLogSettings } from './redis-log.options.js';
import { SNAPSHOT_SCRIPT } from './snapshot.script.js';

/**
 * The folded states in Redis. They are fields of the hash `meta` of their channel. So Redis forgets them with the channel, and a
 * replica that was behind has lost the state together with the entries that it includes.
 */
export class RedisSnapshots implements LogSnapshots {
  constructor(
    private readonly link: RedisLink,
    private readonly keys: RedisKeys,
    private readonly settings: RedisLogSettings,
    /** Queries a channel. A failure that a retry can cure becomes `SSE_LOG_UNAVAILABLE`. */
    private readonly ask: <V>(name: string, query: () => Promise<V>) => Promise<V>,
  ) {}

  read(name: string, fold: string): Promise<LogSnapshot | undefined> {
    return this.ask(name, async () => {
      const [position, state] = await this.fields(name, [`sp:${fold}`, `ss:${fold}`]);
      return position === undefined || state === undefined ? undefined : { position, state };
    });
  }

  position(name: string, fold: string): Promise<LogPosition | undefined> {
    return this.ask(name, async () => (await this.fields(name, [`sp:${fold}`]))[0]);
  }

  write(
    name: string,
    fold: string,
    { position, state }: LogSnapshot,
    replaces: LogPosition | undefined,
  ): Promise<boolean> {
    checkSnapshotSize(name, fold, state, this.settings.bounds(name).maxEventBytes);
    const place = parsePosition(position);
    if (!place) return Promise.resolve(false);
    const args = [fold, place.epoch, entryId(place), position, replaces ?? '', state];
    return this.ask(
      name,
      async () => Number(await runScript(this.link, SNAPSHOT_SCRIPT, [this.keys.meta(name)], args)) === 1,
    );
  }

  /** Fields of a state, the first of which is its position. None of them if it belongs to an earlier epoch. */
  private async fields(name: string, fields: readonly string[]): Promise<(string | undefined)[]> {
    const meta = this.keys.meta(name);
    const answer = await this.link.send(meta, ['HMGET', meta, 'e', ...fields]);
    const [epoch, ...values] = (answer as unknown[]).map((value) =>
      value == null ? undefined : String(value),
    );
    const [position] = values;
    return position !== undefined && epochOf(position) === epoch ? values : [];
  }
}
