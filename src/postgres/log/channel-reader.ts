import { channelKey, type LogPosition } from '../../log/cursor.js';
import type { LogSlice, ReadLimit } from '../../log/event-log.js';
import { LogEntry } from '../../log/log-entry.js';
import { decodeRecord } from '../../log/remote/stored-record.js';
import type { PostgresLink } from '../link/postgres-link.js';
import { inSchema } from '../schema/migrations.js';
import { decodeFrame } from './frame.js';
import type { LogState } from './log-state.js';
import { formatPosition, parsePosition, placeOf, type EpochPlace, type Place } from './place.js';

/** Fewer reads than this in one statement are not worth another statement. */
const MAX_REQUESTS = 250;
const LEAST = 16;

interface Request {
  readonly name: string;
  readonly after: EpochPlace | undefined;
  readonly limit: ReadLimit;
  /** Whether the position that was asked for is gone, and the oldest events are read instead. */
  readonly gap: boolean;
  resolve(slice: LogSlice): void;
  reject(error: unknown): void;
}

/** An event as the statement answers it. */
interface Row {
  readonly place: Place;
  readonly header: string;
  readonly frame: string;
  readonly id: string | undefined;
}

/** The answer of the statement to one request. */
interface Answer {
  readonly epoch: string;
  /** The last event that was evicted. */
  readonly evicted: Place;
  /** The latest number of all channels. */
  readonly latest: number;
  readonly rows: Row[];
}

/**
 * Reads channels. All reads of one turn become one statement: 10,000 subscriptions that reconnect at once do not ask one by
 * one. A position is valid if its event is still there with the same token, or was the last one evicted.
 */
export class ChannelReader {
  private waiting: Request[] = [];
  /** The size of recent events. It decides how many are asked for. */
  private averageBytes = 1024;
  private readonly text: string;

  constructor(
    private readonly link: PostgresLink,
    private readonly state: LogState,
    schema: string,
  ) {
    this.text = inSchema(schema, READ);
  }

  /** Rejects with the error of the server, or with `RestartedError`. */
  read(name: string, after: LogPosition | undefined, limit: ReadLimit): Promise<LogSlice> {
    const place = after === undefined ? undefined : parsePosition(after);
    return new Promise((resolve, reject) => {
      this.add({ name, after: place, limit, gap: after !== undefined && !place, resolve, reject });
    });
  }

  private add(request: Request): void {
    if (this.waiting.length === 0) process.nextTick(flush, this);
    this.waiting.push(request);
  }

  /** @internal */
  flush(): void {
    const { waiting } = this;
    this.waiting = [];
    for (let i = 0; i < waiting.length; i += MAX_REQUESTS) void this.load(waiting.slice(i, i + MAX_REQUESTS));
  }

  private async load(requests: readonly Request[]): Promise<void> {
    try {
      const counts = requests.map(({ limit }) => this.countFor(limit));
      const answers = await this.ask(requests, counts);
      for (const [i, request] of requests.entries()) {
        const answer = answers[i];
        if (answer) this.settle(request, answer, counts[i] ?? 0);
      }
    } catch (error) {
      for (const { reject } of requests) reject(error);
    }
  }

  private countFor({ events, bytes }: ReadLimit): number {
    return Math.min(events, Math.max(LEAST, Math.ceil(bytes / this.averageBytes)));
  }

  private async ask(requests: readonly Request[], counts: readonly number[]): Promise<Answer[]> {
    const rows = await this.link.query(this.text, [
      requests.map(({ name }) => name),
      // With the event at the position itself, if there is one.
      requests.map(({ after }) =>
        after === undefined ? 0 : after.token === undefined ? after.pos + 1 : after.pos,
      ),
      // One that shows whether there is more.
      counts.map((count) => count + 2),
    ]);
    const answers: Answer[] = [];
    for (const [n, epoch, started, latest, evictedPos, evictedToken, pos, token, header, frame, id] of rows) {
      const i = Number(n) - 1;
      if (!answers[i]) {
        this.state.learn({ epoch: String(epoch), started: String(started) });
        const evicted = placeOf(evictedPos, evictedToken);
        answers[i] = { epoch: String(epoch), latest: Number(latest), evicted, rows: [] };
      }
      if (pos === null) continue;
      const place = placeOf(pos, token);
      answers[i].rows.push({
        place,
        header: String(header),
        frame: decodeFrame(String(frame)),
        id: id === null ? undefined : String(id),
      });
    }
    return answers;
  }

  private settle(request: Request, answer: Answer, count: number): void {
    const { name, after, limit, gap, resolve, reject } = request;
    if (after && !follows(after, answer)) {
      this.add({ name, limit, resolve, reject, after: undefined, gap: true });
      return;
    }
    const rows = after ? answer.rows.filter(({ place }) => place.pos > after.pos) : answer.rows;
    const start = after ?? answer.evicted;
    const slice = this.slice(name, start, answer.epoch, rows, { ...limit, events: count }, gap);
    // A channel that has evicted nothing remembers no event as the last one that went.
    resolve(after ? slice : { ...slice, whole: !slice.gap && answer.evicted.token === undefined });
  }

  private slice(
    name: string,
    start: Place,
    epoch: string,
    rows: readonly Row[],
    limit: ReadLimit,
    gap: boolean,
  ): LogSlice {
    const key = channelKey(name);
    const entries: LogEntry[] = [];
    let from = start;
    let skipped = false;
    let bytes = 0;
    let more = false;
    for (const { place, header, frame, id } of rows) {
      const record = decodeRecord(header, frame, id);
      more = entries.length >= limit.events || bytes >= limit.bytes || (!record && entries.length > 0);
      if (more) break;
      if (record) {
        const entry = new LogEntry(key, formatPosition(epoch, place), place.pos, record);
        entries.push(entry);
        bytes += entry.bytes;
      } else {
        // A later version of the library wrote it. It cannot be sent, so it counts as lost.
        from = place;
        skipped = true;
      }
    }
    const last = entries.at(-1);
    if (last) {
      this.averageBytes = this.averageBytes * 0.8 + (bytes / entries.length) * 0.2;
      const { place } = rows.find(({ place: { pos } }) => pos === last.order) ?? { place: start };
      this.state.note(name, place);
    }
    return { entries, from: formatPosition(epoch, from), gap: gap || skipped, more };
  }
}

/** Whether what was answered follows a position without a loss. */
function follows(after: EpochPlace, { epoch, evicted, latest, rows }: Answer): boolean {
  if (after.epoch !== epoch || after.pos < evicted.pos || after.pos > latest) return false;
  if (after.token === undefined) return true;
  const there = after.pos === evicted.pos ? evicted : rows[0]?.place;
  return there?.pos === after.pos && there.token === after.token;
}

function flush(reader: ChannelReader): void {
  reader.flush();
}

const READ = `
SELECT r.i, s.epoch, $S.sse_started_1(), p.last_value, coalesce(c.evicted_pos, s.forgotten_pos), c.evicted_token,
  e.pos, e.token, e.header, e.frame, e.own_id
FROM $S.sse_state s CROSS JOIN $S.sse_positions p
CROSS JOIN unnest($1::text[], $2::bigint[], $3::integer[]) WITH ORDINALITY r(channel, after, count, i)
LEFT JOIN $S.sse_channels c ON c.channel = r.channel
LEFT JOIN LATERAL (
  SELECT e.pos, e.token, e.header, e.frame, e.own_id FROM $S.sse_events e
  WHERE e.channel = r.channel AND e.pos >= greatest(r.after, coalesce(c.evicted_pos, 0) + 1)
  ORDER BY e.pos LIMIT r.count
) e ON true
ORDER BY r.i, e.pos`;
