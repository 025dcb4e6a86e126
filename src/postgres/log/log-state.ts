import type { LogPosition } from '../../log/cursor.js';
import type { Query } from '../link/postgres-client.js';
import { inSchema } from '../schema/migrations.js';
import { formatPosition, type Place } from './place.js';

/** The channels whose latest place is remembered. The one used longest ago is forgotten first. */
const MAX_CHANNELS = 20_000;
/** The places that are looked up when the server was restarted. A crash loses the last commits. */
const MAX_CHECKED = 256;

/** The facts about the server in every answer. */
export interface ServerFacts {
  readonly epoch: string;
  /** When the server was started, as text. */
  readonly started: string;
}

/** The server was restarted, or another one has taken over. Known positions must be checked before the answer is used. */
export class RestartedError extends Error {}

/**
 * The state of the log as this process knows it. PostgreSQL loses acknowledged events if a replica takes over that was behind, if an
 * older backup is restored, or if it crashes with `synchronous_commit = off`. `sse_open_1()` then begins a new epoch: it sees
 * that cluster or timeline are different, or that events are gone that this process knows of.
 */
export class LogState {
  epoch = '';
  /** The id of the log: another database has another one. */
  logId = '';
  database = '';
  started = '';
  private readonly known = new Map<string, Place>();
  private readonly text: string;

  constructor(schema: string) {
    this.text = inSchema(schema, 'SELECT $S.sse_open_1($1, $2)::text');
  }

  /** Checks what is known, and learns the epoch. */
  async open(query: Query): Promise<void> {
    const places = [...this.known]
      .slice(-MAX_CHECKED)
      .map(([channel, { pos, token }]) => [channel, pos, token]);
    const [[answer] = []] = await query(this.text, [this.epoch, JSON.stringify(places)]);
    const { log, epoch, started, database } = JSON.parse(String(answer)) as Record<string, string>;
    this.learnEpoch(epoch ?? '');
    this.started = started ?? '';
    this.logId = log ?? '';
    this.database = database ?? '';
  }

  /**
   * Takes note of the epoch in an answer.
   *
   * @throws {RestartedError} if what is known must be checked first.
   */
  learn({ epoch, started }: ServerFacts): void {
    if (started !== this.started || epoch < this.epoch) throw new RestartedError('the server was restarted');
    this.learnEpoch(epoch);
  }

  /** An event is at this place. */
  note(channel: string, { pos, token }: Place): void {
    const known = this.known.get(channel);
    if (known && known.pos > pos) return;
    // Deleted first: a map iterates in the order of insertion.
    this.known.delete(channel);
    this.known.set(channel, { pos, token });
    if (this.known.size <= MAX_CHANNELS) return;
    const [oldest] = this.known.keys();
    if (oldest !== undefined) this.known.delete(oldest);
  }

  /** The latest number that is known of a channel. */
  latest(channel: string): number {
    return this.known.get(channel)?.pos ?? 0;
  }

  position(place: Place): LogPosition {
    return formatPosition(this.epoch, place);
  }

  private learnEpoch(epoch: string): void {
    if (epoch === this.epoch) return;
    // The new epoch accounts for everything that belongs to the one before.
    this.known.clear();
    this.epoch = epoch;
  }
}
