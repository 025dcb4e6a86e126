import { epochOf, type LogPosition } from '../../log/cursor.js';
import type { LogSnapshot, LogSnapshots } from '../../log/event-log.js';
import { checkSnapshotSize } from '../../log/snapshot-size.js';
import type { PostgresLink } from '../link/postgres-link.js';
import { inSchema } from '../schema/migrations.js';
import { parsePosition } from './place.js';
import type { PostgresLogSettings } from './postgres-log.options.js';

/** The folded states in PostgreSQL. */
export class PostgresSnapshots implements LogSnapshots {
  private readonly readText: string;
  private readonly positionText: string;
  private readonly writeText: string;

  constructor(
    private readonly link: PostgresLink,
    private readonly settings: PostgresLogSettings,
    /** Sends a question about a channel. A failure that a retry can cure becomes `SSE_LOG_UNAVAILABLE`. */
    private readonly ask: <V>(name: string, question: () => Promise<V>) => Promise<V>,
  ) {
    const from =
      'FROM $S.sse_snapshots s JOIN $S.sse_state t ON t.epoch = s.epoch WHERE s.channel = $1 AND s.fold = $2';
    this.readText = inSchema(settings.schema, `SELECT s.position, s.state ${from}`);
    this.positionText = inSchema(settings.schema, `SELECT s.position ${from}`);
    this.writeText = inSchema(settings.schema, 'SELECT $S.sse_snapshot_1($1, $2, $3, $4, $5, $6)');
  }

  read(name: string, fold: string): Promise<LogSnapshot | undefined> {
    return this.ask(name, async () => {
      const [row] = await this.link.query(this.readText, [name, fold]);
      return row && { position: String(row[0]), state: String(row[1]) };
    });
  }

  position(name: string, fold: string): Promise<LogPosition | undefined> {
    return this.ask(name, async () => {
      const [row] = await this.link.query(this.positionText, [name, fold]);
      return row && String(row[0]);
    });
  }

  write(
    name: string,
    fold: string,
    { position, state }: LogSnapshot,
    replaces: LogPosition | undefined,
  ): Promise<boolean> {
    checkSnapshotSize(name, fold, state, this.settings.bounds(name).maxEventBytes);
    if (!parsePosition(position)) return Promise.resolve(false);
    const values = [name, fold, epochOf(position), position, replaces ?? null, state];
    return this.ask(name, async () => {
      const [[stored] = []] = await this.link.query(this.writeText, values);
      return stored === true || stored === 't';
    });
  }
}
