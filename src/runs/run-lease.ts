import type { Clock } from '../time/clock.js';
import { isSseError } from '../errors/sse.errors.js';
import type { LogPosition } from '../log/cursor.js';
import type { ControlListener, RunControl } from './run-control.js';
import type { RunEvents } from './run-events.js';
import { brief, type RunOutcome } from './run-outcome.js';
import type { RunRecord } from './run-state.js';

/** The run, the settings and the callbacks of a {@link RunLease}. */
export interface RunLeaseInit {
  readonly events: RunEvents;
  readonly node: string;
  readonly control: RunControl;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly orphans: boolean;
  readonly host: string;
  readonly startedAt: number;
  /** When the claim was sent, by the clock. */
  readonly claimedAt: number;
  /** A record about this run was read. Any node may have written it. */
  onRecord(record: RunRecord): void;
  /** Another node has ended this run, or owns the id now. Called once. */
  lost(): void;
  /** A renewal has settled. `inTime`: the log has accepted it in time, and all records of other nodes before it were read. */
  renewed(inTime: boolean): void;
  failed(error: unknown): void;
}

/** Renewals per lease. */
const RENEWALS = 3;

/**
 * The lease of an owner on its id. It is renewed in the control channel three times per lease, and it ends with a record in that
 * channel. Only the channel decides, so a renewal never takes an id.
 */
export class RunLease implements ControlListener {
  private readonly unfollow: () => void;
  private timer: unknown;
  private over = false;
  /** True once {@link end} was called. */
  private ending = false;
  private renewing = false;
  /** The time at which the last accepted renewal was sent. No other node treats this one as dead within a lease after it. */
  private renewedAt: number;
  /** The time at which the last renewal was sent that was answered in time. */
  private answeredAt: number;

  constructor(private readonly init: RunLeaseInit) {
    this.renewedAt = this.answeredAt = init.claimedAt;
    this.unfollow = init.control.follow(this);
    this.schedule();
  }

  /** True if other nodes may treat this one as dead. */
  get lapsed(): boolean {
    const { clock, leaseMs } = this.init;
    return clock.now() - this.renewedAt >= leaseMs;
  }

  /** True if a renewal is overdue, so the log may have been unavailable until now. */
  get overdue(): boolean {
    const { clock, leaseMs } = this.init;
    return clock.now() - this.answeredAt >= leaseMs / 2;
  }

  /** Reads the control channel, which shows whether the lease was lost. Never rejects. Without an answer the lease is kept. */
  async verify(): Promise<void> {
    try {
      await this.init.control.catchUp();
    } catch (error) {
      this.fail(error);
    }
  }

  onRecord(record: RunRecord): void {
    const { events, node } = this.init;
    if (this.over) return;
    const isOver = record.run !== events.run || (record.is === 'ended' && record.node !== node);
    if (isOver) this.lose();
    else this.init.onRecord(record);
  }

  missed(): void {
    if (this.over) return;
    // The end may have been among the evicted records. It is written again if it was not.
    if (this.ending) return;
    // Evicted records may have given the id to another node, unless the lease was valid all the time.
    if (this.lapsed) return this.lose();
    this.append('claim').catch((error: unknown) => this.fail(error));
  }

  caughtUp(): void {
    // Nodes with viewers count the silence of this owner from now on.
    if (this.overdue && !this.renewing) void this.renew();
  }

  /**
   * Writes the outcome of the run, and returns the outcome that counts, because another node may have ended the run before. Calls
   * `again` while the log is unavailable, and stops when that resolves to `false`.
   */
  async end(given: RunOutcome, at: LogPosition, again: () => Promise<boolean>): Promise<RunOutcome> {
    const { control, events, node } = this.init;
    const { run, from } = events;
    let outcome = given;
    this.ending = true;
    for (;;) {
      try {
        await control.append({ is: 'ended', run, node, outcome, from, at });
        await control.catchUp();
        break;
      } catch (error) {
        // An error without details fits into every log.
        const shorter = isSseError(error, 'SSE_EVENT_TOO_LARGE') ? brief(outcome) : outcome;
        if (shorter === outcome) this.fail(error);
        if (shorter === outcome && !(isSseError(error, 'SSE_LOG_UNAVAILABLE') && (await again()))) break;
        outcome = shorter;
      }
    }
    const { ended } = control.state;
    return ended?.run === run ? ended.outcome : outcome;
  }

  stop(): void {
    this.over = true;
    this.init.clock.cancel(this.timer);
    this.unfollow();
  }

  private lose(): void {
    this.stop();
    this.init.lost();
  }

  private schedule(): void {
    const { clock, leaseMs } = this.init;
    this.timer = clock.schedule(() => void this.renew(), leaseMs / RENEWALS);
  }

  private async renew(): Promise<void> {
    const { control, clock, leaseMs } = this.init;
    const sentAt = clock.now();
    clock.cancel(this.timer);
    this.renewing = true;
    try {
      // This process may have been suspended. It must read the records of that time before it writes.
      if (this.lapsed) await control.catchUp();
      if (this.over || this.hasEnded) return;
      await this.append('alive');
      this.renewedAt = sentAt;
      await control.catchUp();
      const inTime = clock.now() - sentAt < leaseMs / RENEWALS;
      if (inTime) this.answeredAt = sentAt;
      this.init.renewed(inTime);
    } catch (error) {
      this.init.renewed(false);
      this.fail(error);
    } finally {
      this.renewing = false;
    }
    if (!this.over) this.schedule();
  }

  /**
   * True if the end of the run was read. A renewal would name it as read, and would be believed by a node that reads after the log
   * has evicted the end.
   */
  private get hasEnded(): boolean {
    const { control, events } = this.init;
    return control.state.ended?.run === events.run;
  }

  private append(is: 'alive' | 'claim'): Promise<void> {
    const { events, control, node, orphans, host, startedAt } = this.init;
    const { run, from } = events;
    return control.append({ is, run, node, from, orphans, host, startedAt });
  }

  private fail(error: unknown): void {
    if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) this.init.failed(error);
  }
}
