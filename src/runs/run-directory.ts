import type { Clock } from '../time/clock.js';
import type { LogPosition } from '../log/cursor.js';
import type { EventLog, ReadLimit } from '../log/event-log.js';

/** The channel in which all nodes announce the ids of their runs. */
export const DIRECTORY_CHANNEL = 'nestjs-event-stream:runs';

/** The type of the events in the directory. */
export const DIRECTORY_TYPE = 'runs';

/** The limits of the directory. Each node repeats its announcements three times per lease, so older ones say nothing. */
const MAX_EVENTS = 20_000;
const MAX_BYTES = 16_777_216;
const LEASES = 2;

const READ_LIMIT: ReadLimit = { events: 1000, bytes: 1_048_576 };

/** An announcement: a node has these runs, or is about to start them. */
export interface RunAnnouncement {
  readonly node: string;
  /** The number of the node's round. */
  readonly round: number;
  readonly ids: readonly string[];
  /** True for the last announcement of a round, which names all runs of the node. Ids of earlier rounds are over. */
  readonly whole?: boolean;
}

/** Sets the retention of the directory, if the log can keep a channel for another time than others. */
export function retainDirectory(log: EventLog, leaseMs: number): void {
  log.retain?.(DIRECTORY_CHANNEL, {
    maxEvents: MAX_EVENTS,
    maxBytes: MAX_BYTES,
    maxAgeMs: leaseMs * LEASES,
  });
}

interface Known {
  round: number;
  /** When this process has read the announcement. */
  readAt: number;
}

/**
 * The ids that the nodes have announced. They are only a hint where to look: the control channel of each id decides whether its
 * run is running. It is read only while somebody asks, from where the last reader has stopped.
 */
export class RunDirectory {
  private readonly nodes = new Map<string, Map<string, Known>>();
  private position: LogPosition | undefined;
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly log: EventLog,
    private readonly clock: Clock,
    private readonly leaseMs: number,
  ) {}

  /** Reads what was announced before this call. Rejects with the error of the log. */
  async ids(): Promise<Set<string>> {
    const read = this.reading.then(() => this.read());
    this.reading = read.catch(() => undefined);
    await read;
    return new Set([...this.nodes.values()].flatMap((known) => [...known.keys()]));
  }

  /** Forgets an id whose run is not running, unless an announcement is so new that its claim may still be on its way. */
  over(id: string): void {
    const now = this.clock.now();
    for (const [node, known] of this.nodes) {
      const readAt = known.get(id)?.readAt;
      if (readAt !== undefined && now - readAt >= this.leaseMs) known.delete(id);
      if (known.size === 0) this.nodes.delete(node);
    }
  }

  private async read(): Promise<void> {
    for (;;) {
      const { entries, from, gap, more } = await this.log.read(DIRECTORY_CHANNEL, this.position, READ_LIMIT);
      // The announcements that are kept name every run of a node that is alive.
      if (gap) this.nodes.clear();
      for (const entry of entries) {
        const announcement = parseAnnouncement(entry.asText().data);
        if (announcement) this.apply(announcement);
      }
      this.position = entries.at(-1)?.position ?? from;
      if (!more || entries.length === 0) return;
    }
  }

  private apply({ node, round, ids, whole }: RunAnnouncement): void {
    const known = this.nodes.get(node) ?? new Map<string, Known>();
    const readAt = this.clock.now();
    for (const id of ids) known.set(id, { round, readAt });
    if (whole) for (const [id, { round: last }] of known) if (last < round) known.delete(id);
    if (known.size > 0) this.nodes.set(node, known);
    else this.nodes.delete(node);
  }
}

/** Parses the data of an event in the directory. Returns `undefined` if it is not an announcement. */
function parseAnnouncement(text: unknown): RunAnnouncement | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const given = JSON.parse(text) as Partial<RunAnnouncement> | null;
    const { node, round, ids } = given ?? {};
    const isValid = typeof node === 'string' && typeof round === 'number' && Array.isArray(ids);
    return isValid && ids.every((id) => typeof id === 'string') ? (given as RunAnnouncement) : undefined;
  } catch {
    return undefined;
  }
}
