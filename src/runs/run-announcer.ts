import { event } from '../events/sse-event.js';
import { isSseError } from '../errors/sse.errors.js';
import type { EventLog } from '../log/event-log.js';
import { toRecord } from '../log/log-record.js';
import type { Clock } from '../time/clock.js';
import { DIRECTORY_CHANNEL, DIRECTORY_TYPE, type RunAnnouncement } from './run-directory.js';

/** The log, the settings and the callback of a {@link RunAnnouncer}. */
export interface RunAnnouncerInit {
  readonly log: EventLog;
  readonly node: string;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** The log refuses an announcement. Called once, until it accepts one. */
  failed(error: unknown): void;
}

/** Rounds per lease. */
const ROUNDS = 3;
const RETRY_MS = 500;
const IDS_PER_EVENT = 100;

/**
 * Announces the runs of this node in the directory: each when it is about to start, and all of them three times per lease. The
 * last round has no ids. A node without runs writes nothing and has no timer.
 */
export class RunAnnouncer {
  /** The ids that this node has or is about to claim, and how many calls have announced each. */
  private readonly present = new Map<string, number>();
  /** The ids that wait for the next append. */
  private added: string[] = [];
  /** True if an id has left since the last round. */
  private left = false;
  private round = 0;
  private writing: Promise<void> = Promise.resolve();
  private queued: Promise<void> | undefined;
  private timer: unknown;
  private hasFailed = false;
  private hasReported = false;
  private stopped = false;

  constructor(private readonly init: RunAnnouncerInit) {}

  /** Announces an id. */
  announce(id: string): void {
    this.present.set(id, (this.present.get(id) ?? 0) + 1);
    this.added.push(id);
    if (!this.stopped) this.timer ??= this.schedule();
    // Ids that are added while an append is pending become one append.
    this.queued ??= this.enqueue(async () => {
      this.queued = undefined;
      await this.write(this.added.splice(0), false);
    });
  }

  /** Resolves when the log has every announcement, or has not taken one: then the next round repeats it. Never rejects. */
  written(): Promise<void> {
    return this.writing;
  }

  /** The run of an id has ended, or was not started. */
  withdraw(id: string): void {
    const count = this.present.get(id) ?? 0;
    if (count > 1) this.present.set(id, count - 1);
    else if (this.present.delete(id)) this.left = true;
  }

  stop(): void {
    this.stopped = true;
    this.init.clock.cancel(this.timer);
  }

  private enqueue(write: () => Promise<void>): Promise<void> {
    this.writing = this.writing.then(async () => {
      if (this.stopped) return;
      try {
        await write();
        this.hasFailed = this.hasReported = false;
      } catch (error) {
        this.fail(error);
      }
    });
    return this.writing;
  }

  private schedule(withinMs = Infinity): unknown {
    const { clock, leaseMs } = this.init;
    return clock.schedule(() => void this.repeat(), Math.min(leaseMs / ROUNDS, withinMs));
  }

  /** Announces everything again. */
  private async repeat(): Promise<void> {
    await this.enqueue(() => {
      this.left = false;
      this.round++;
      return this.write([...this.present.keys()], true);
    });
    const goesOn = !this.stopped && (this.present.size > 0 || this.left);
    this.timer = goesOn ? this.schedule(this.hasFailed ? RETRY_MS : undefined) : undefined;
  }

  private async write(ids: readonly string[], whole: boolean): Promise<void> {
    for (let at = 0; at < Math.max(ids.length, 1); at += IDS_PER_EVENT) {
      const isLast = at + IDS_PER_EVENT >= ids.length;
      await this.append(ids.slice(at, at + IDS_PER_EVENT), whole && isLast);
    }
  }

  private async append(ids: readonly string[], whole: boolean): Promise<void> {
    const { log, node } = this.init;
    const announcement: RunAnnouncement = { node, round: this.round, ids, whole };
    const record = toRecord(event({ type: DIRECTORY_TYPE, data: JSON.stringify(announcement) }), undefined);
    try {
      await log.append(DIRECTORY_CHANNEL, [record]);
    } catch (error) {
      if (ids.length < 2 || !isSseError(error, 'SSE_EVENT_TOO_LARGE')) throw error;
      const half = ids.length >> 1;
      await this.append(ids.slice(0, half), false);
      await this.append(ids.slice(half), whole);
    }
  }

  private fail(error: unknown): void {
    this.hasFailed = true;
    // The last round must arrive, too.
    this.left = true;
    if (isSseError(error, 'SSE_LOG_UNAVAILABLE') || this.hasReported) return;
    this.hasReported = true;
    this.init.failed(error);
  }
}
