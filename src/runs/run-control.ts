import { event } from '../events/sse-event.js';
import { channelKey, type LogPosition } from '../log/cursor.js';
import type { EventLog, ReadLimit } from '../log/event-log.js';
import { toRecord } from '../log/log-record.js';
import { eventsChannel } from './run-events.js';
import { RunState, parseRunRecord, type RunRecord } from './run-state.js';

const READ_LIMIT: ReadLimit = { events: 1000, bytes: 1_048_576 };

/**
 * Refuses an id that no run can have.
 *
 * @throws {SseError} `SSE_INVALID_CHANNEL` for one that is empty, over 236 bytes, or has control characters.
 */
export function checkRunId(id: string): void {
  channelKey(id);
  channelKey(eventsChannel(id, randomName()));
}

/** Eight characters of base 36, at random. */
export function randomName(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high.toString(36) + low.toString(36).padStart(7, '0')).slice(-8);
}

/**
 * The control channel of an id: in it claims, signs of life, requests to stop and ends are said, to all nodes in one
 * order. That order is the lock on the id, so that no other store is needed than the log.
 */
export class RunControl {
  readonly state = new RunState();
  private readonly name: string;
  private position: LogPosition | undefined;
  private reading: Promise<void> = Promise.resolve();
  private listener: ((record: RunRecord) => void) | undefined;

  constructor(
    private readonly log: EventLog,
    id: string,
  ) {
    this.name = `run:${id}`;
  }

  /** Reads what was said before this call. Rejects as the log does. */
  catchUp(): Promise<void> {
    const answer = this.reading.then(() => this.read());
    this.reading = answer.catch(() => undefined);
    return answer;
  }

  /** Says something. Rejects as the log does. */
  async say(record: RunRecord): Promise<void> {
    await this.log.append(this.name, [
      toRecord(event({ type: 'run', data: JSON.stringify(record) }), undefined),
    ]);
  }

  /** Calls `listener` with what is said from now on and means something, until the returned function is called. */
  follow(listener: (record: RunRecord) => void): () => void {
    this.listener = listener;
    // While the log is away there is nothing to do but to be called after it.
    const look = (): void => void this.catchUp().catch(() => undefined);
    const unwatch = this.log.watch([this.name], look);
    look();
    return () => {
      this.listener = undefined;
      unwatch();
    };
  }

  private async read(): Promise<void> {
    for (;;) {
      const { entries, from, more } = await this.log.read(this.name, this.position, READ_LIMIT);
      this.position = entries.at(-1)?.position ?? from;
      for (const entry of entries) {
        const record = parseRunRecord(entry.asText().data);
        if (record && this.state.apply(record)) this.listener?.(record);
      }
      if (!more || entries.length === 0) return;
    }
  }
}
