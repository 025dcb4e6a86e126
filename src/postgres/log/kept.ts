import type { KeptEvents } from '../../log/event-log.js';
import type { PostgresLink } from '../link/postgres-link.js';
import { inSchema } from '../schema/migrations.js';
import type { PostgresLogSettings } from './postgres-log.options.js';

const KEPT = `
SELECT count(*)::text, coalesce(sum(bytes), 0)::text, (
  SELECT (extract(epoch FROM o.expires) * 1000)::text FROM $S.sse_events o WHERE o.channel = $1 ORDER BY o.pos LIMIT 1)
FROM $S.sse_events WHERE channel = $1`;

/**
 * The events that the table keeps of a channel. PostgreSQL reads their rows for that, but not their frames. A row has no time but
 * that at which it expires, so the age is known if events expire, and if their lifetime has not been changed since.
 */
export async function keptIn(
  link: PostgresLink,
  { schema, boundsOrUsual }: Pick<PostgresLogSettings, 'schema' | 'boundsOrUsual'>,
  name: string,
): Promise<KeptEvents> {
  const [row = []] = await link.query(inSchema(schema, KEPT), [name]);
  const [events, bytes, expiresAt] = row;
  const { maxAgeMs } = boundsOrUsual(name);
  return {
    events: Number(events),
    bytes: Number(bytes),
    oldestAt: expiresAt == null || maxAgeMs === 0 ? undefined : Math.floor(Number(expiresAt) - maxAgeMs),
  };
}
