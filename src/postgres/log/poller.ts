import type { PostgresLink } from '../link/postgres-link.js';
import { inSchema } from '../schema/migrations.js';
import type { LogState } from './log-state.js';
import type { PostgresLogSettings } from './postgres-log.options.js';
import type { Watches } from './watches.js';

const LISTENING_MS = 1000;
/** The interval without notifications. */
export const DEAF_MS = 100;

/** The transactions that a query has seen, as `pg_current_snapshot()` writes them: `xmin:xmax:xip,xip`. */
interface Snapshot {
  readonly xmax: string;
  /** Those before `xmax` that were still open. */
  readonly open: readonly string[];
}

/**
 * Asks which channels have changed, at an interval and on request. The answer is exact: an event is new if its
 * transaction is visible now, and was not in the snapshot before. A transaction that commits late is not missed, and one
 * that stays open for an hour costs nothing.
 */
export class Poller {
  private seen: Snapshot | undefined;
  private timer: unknown;
  private polling = false;
  private again = false;
  private closed = false;
  private readonly text: string;

  constructor(
    private readonly link: PostgresLink,
    private readonly state: LogState,
    private readonly watches: Watches,
    private readonly settings: PostgresLogSettings,
  ) {
    this.text = inSchema(settings.schema, POLL);
  }

  /** Begins anew: nothing that was seen before counts, and all listeners are woken. */
  restart(): void {
    this.seen = undefined;
    this.poll();
  }

  poll(): void {
    if (this.closed || !this.link.up) return;
    this.settings.clock.cancel(this.timer);
    this.timer = undefined;
    this.again = true;
    if (!this.polling) void this.run();
  }

  close(): void {
    this.closed = true;
    this.settings.clock.cancel(this.timer);
  }

  private async run(): Promise<void> {
    this.polling = true;
    while (this.again && this.link.up) {
      this.again = false;
      try {
        await this.ask();
      } catch (error) {
        // The link looks into it, and restarts the poller.
        this.link.suspect(error);
        break;
      }
    }
    this.polling = false;
    this.pollLater();
  }

  private async ask(): Promise<void> {
    const { seen } = this;
    const [row] = await this.link.query(this.text, [seen?.xmax ?? null, seen?.open ?? []]);
    const [epoch, started, snapshot, changed] = row ?? [];
    this.state.learn({ epoch: String(epoch), started: String(started) });
    // It was restarted meanwhile.
    if (seen !== this.seen) return void (this.again = true);
    this.seen = parseSnapshot(String(snapshot));
    if (!seen) return this.watches.wake(this.watches.names());
    for (const [channel, pos] of Object.entries(JSON.parse(String(changed)) as Record<string, number>)) {
      this.watches.wakeIfBefore(channel, pos);
    }
  }

  private pollLater(): void {
    const { clock, pollMs, pingMs } = this.settings;
    if (this.closed || this.timer !== undefined) return;
    const intervalMs = pollMs ?? (this.link.isListening ? LISTENING_MS : DEAF_MS);
    // Without a listener, it only shows that the server is there.
    const ms = this.watches.size > 0 ? intervalMs : pingMs || LISTENING_MS;
    this.timer = clock.schedule(() => {
      this.timer = undefined;
      this.poll();
    }, ms);
  }
}

function parseSnapshot(text: string): Snapshot {
  const [, xmax = '', open = ''] = text.split(':');
  return { xmax, open: open === '' ? [] : open.split(',') };
}

const POLL = `
SELECT s.epoch, $S.sse_started_1(), pg_current_snapshot()::text, (
  SELECT coalesce(json_object_agg(t.channel, t.pos), '{}') FROM (
    SELECT u.channel, max(u.pos) AS pos FROM (
      SELECT channel, pos FROM $S.sse_events WHERE xid >= $1::text::xid8
      UNION ALL
      SELECT channel, pos FROM $S.sse_events WHERE xid = ANY ($2::text[]::xid8[])) u
    GROUP BY u.channel) t)::text
FROM $S.sse_state s`;
