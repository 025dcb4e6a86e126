import { randomId } from '../random-id.js';
import { event } from '../events/sse-event.js';
import { isSseError } from '../errors/sse.errors.js';
import { channelKey, type LogPosition } from '../log/cursor.js';
import type { EventLog, ReadLimit } from '../log/event-log.js';
import { toRecord } from '../log/log-record.js';
import type { Clock } from '../time/clock.js';
import { eventsChannel } from './run-events.js';
import { RunState, parseRunRecord, type RunRecord } from './run-state.js';

const READ_LIMIT: ReadLimit = { events: 1000, bytes: 1_048_576 };
const ONE: ReadLimit = { events: 1, bytes: 1 };

/**
 * Checks that a text can be the id of a run.
 *
 * @throws {SseError} `SSE_INVALID_CHANNEL` for an id that is empty, longer than 236 bytes, or contains control characters.
 */
export function checkRunId(id: string): void {
  channelKey(id);
  channelKey(eventsChannel(id, randomId(RUN_NAME_LENGTH)));
}

/** The channels with the states of runs. */
export const CONTROL_PREFIX = 'run:';

/** The length of the random name that distinguishes the runs of one id. Nodes have names of the same length. */
export const RUN_NAME_LENGTH = 8;

/** Follows a control channel: the owner of a run, or a node that views it. */
export interface ControlListener {
  /** A record that is not void was read, and the state of the channel was updated. */
  onRecord(record: RunRecord): void;
  /** Records may have been evicted before they were read, or the log lost data. The state was reset. */
  missed(): void;
  /** All records were read after the log has announced new ones, or that it is available again. */
  caughtUp?(): void;
}

/**
 * The control channel of a run id. Claims, renewals, requests to stop, and ends are appended to it. Because all nodes read
 * them in one order, the channel is the lock on the id, and the log is the only store that runs need.
 *
 * A node that reads late may find that the log has evicted the oldest records. A record of an owner that was suspended could
 * then look like the newest one. So each record names the position up to which its writer had read. A reader that knows
 * nothing yet believes a record only if the log can still prove that nothing was evicted between that position and the record.
 */
export class RunControl {
  readonly state = new RunState();
  private readonly name: string;
  private position: LogPosition | undefined;
  private reading: Promise<void> = Promise.resolve();
  private queued: Promise<void> | undefined;
  private listener: ControlListener | undefined;

  constructor(
    private readonly log: EventLog,
    id: string,
  ) {
    this.name = `${CONTROL_PREFIX}${id}`;
  }

  /** Reads all records that were written before this call. Rejects with the error of the log. */
  catchUp(): Promise<void> {
    // A read that has not begun yet finds the same. With a slow log, reads would pile up otherwise.
    this.queued ??= this.reading.then(() => {
      this.queued = undefined;
      return this.read();
    });
    this.reading = this.queued.catch(() => undefined);
    return this.queued;
  }

  /**
   * Catches up. Returns `false` if the log is unavailable or does not answer within this time. Other nodes may have been unable to
   * write then, so a missing record proves nothing.
   */
  async answersInTime(clock: Clock, withinMs: number): Promise<boolean> {
    if (this.log.health().status === 'down') return false;
    const startedAt = clock.now();
    try {
      await this.catchUp();
    } catch (error) {
      if (isSseError(error, 'SSE_LOG_UNAVAILABLE')) return false;
      throw error;
    }
    return clock.now() - startedAt < withinMs;
  }

  /** Appends a record. Rejects with the error of the log. */
  async append(record: RunRecord): Promise<void> {
    const data = JSON.stringify({ ...record, after: this.position });
    await this.log.append(this.name, [toRecord(event({ type: 'run', data }), undefined)]);
  }

  /** Passes every new record to a listener, until the returned function is called. */
  follow(listener: ControlListener): () => void {
    this.listener = listener;
    // An error is ignored, because the log calls this again when it is available.
    const read = (): void =>
      void this.catchUp().then(
        () => this.listener === listener && listener.caughtUp?.(),
        () => undefined,
      );
    const unwatch = this.log.watch([this.name], read);
    read();
    return () => {
      this.listener = undefined;
      unwatch();
    };
  }

  private async read(): Promise<void> {
    for (;;) {
      const { entries, from, gap, more } = await this.log.read(this.name, this.position, READ_LIMIT);
      this.position = from;
      if (gap) {
        this.state.reset();
        this.listener?.missed();
      }
      for (const entry of entries) {
        const record = parseRunRecord(entry.asText().data);
        if (record && (await this.isCredible(record)) && this.state.apply(record, entry.position))
          this.listener?.onRecord(record);
        // Set only now. Otherwise a record that is written meanwhile would claim that this one was read.
        this.position = entry.position;
      }
      if (!more || entries.length === 0) return;
    }
  }

  private async isCredible(record: RunRecord): Promise<boolean> {
    const { after } = record;
    if (!this.state.needsProof(record) || after === this.position) return true;
    return after !== undefined && !(await this.log.read(this.name, after, ONE)).gap;
  }
}
