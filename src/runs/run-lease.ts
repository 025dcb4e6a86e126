import type { Clock } from '../time/clock.js';
import { isSseError } from '../errors/sse.errors.js';
import type { LogPosition } from '../log/cursor.js';
import type { ControlListener, RunControl } from './run-control.js';
import type { RunEvents } from './run-events.js';
import { brief, type RunOutcome } from './run-outcome.js';
import type { RunRecord } from './run-state.js';

/** What a {@link RunLease} keeps, and whom it tells. */
export interface RunLeaseInit {
  readonly events: RunEvents;
  readonly node: string;
  readonly control: RunControl;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly orphans: boolean;
  /** A record about this run, written by anyone. */
  hear(record: RunRecord): void;
  /** Another node ended this run, or owns the id by now. Called once. */
  lost(): void;
  /** Whether the log took a renewal in time, and everything that other nodes had written by then was read. */
  renewed(inTime: boolean): void;
  failed(error: unknown): void;
}

/** Renewals per lease. */
const RENEWALS = 3;

/**
 * The right of an owner to its id. It is renewed in the control channel three times per lease, and it is over as soon as the
 * channel says so. The channel decides alone: a renewal is never a claim.
 */
export class RunLease implements ControlListener {
  private readonly unfollow: () => void;
  private timer: unknown;
  private over = false;
  /** When the last renewal was sent that the log has taken. No other node takes this one for dead before a lease after it. */
  private renewedAt: number;
  /** When the last renewal was sent that was answered in time. */
  private audibleAt: number;

  constructor(private readonly init: RunLeaseInit) {
    this.renewedAt = this.audibleAt = init.clock.now();
    this.unfollow = init.control.follow(this);
    this.schedule();
  }

  /** Whether other nodes may have taken this one for dead. */
  get lapsed(): boolean {
    const { clock, leaseMs } = this.init;
    return clock.now() - this.renewedAt >= leaseMs;
  }

  /** Whether a renewal is overdue, so that the log may have been away until a moment ago. */
  get overdue(): boolean {
    const { clock, leaseMs } = this.init;
    return clock.now() - this.audibleAt >= leaseMs / 2;
  }

  /** Reads whether the lease was lost. Never rejects: without an answer of the log it counts as kept. */
  async verify(): Promise<void> {
    try {
      await this.init.control.catchUp();
    } catch (error) {
      this.fail(error);
    }
  }

  hear(record: RunRecord): void {
    const { events, node } = this.init;
    if (this.over) return;
    const isOver = record.run !== events.run || (record.is === 'ended' && record.node !== node);
    if (isOver) this.lose();
    else this.init.hear(record);
  }

  missed(): void {
    if (this.over) return;
    // Evicted records may have given the id to another node, unless the lease was valid all the time.
    if (this.lapsed) return this.lose();
    this.say('claim').catch((error: unknown) => this.fail(error));
  }

  /**
   * Writes how the run has ended, and returns what the control channel says: another node may have ended it before. Calls `again`
   * while the log is unavailable, and gives up when that resolves to `false`.
   */
  async end(given: RunOutcome, at: LogPosition, again: () => Promise<boolean>): Promise<RunOutcome> {
    const { control, events, node } = this.init;
    const { run, from } = events;
    let outcome = given;
    for (;;) {
      try {
        await control.say({ is: 'ended', run, node, outcome, from, at });
        await control.catchUp();
        break;
      } catch (error) {
        // Without its details, an error fits into every log.
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
    try {
      // This process may have been suspended. It must not write before it has read what happened meanwhile.
      if (this.lapsed) await control.catchUp();
      if (this.over) return;
      await this.say('alive');
      this.renewedAt = sentAt;
      await control.catchUp();
      const inTime = clock.now() - sentAt < leaseMs / RENEWALS;
      if (inTime) this.audibleAt = sentAt;
      this.init.renewed(inTime);
    } catch (error) {
      this.init.renewed(false);
      this.fail(error);
    }
    if (!this.over) this.schedule();
  }

  private say(is: 'alive' | 'claim'): Promise<void> {
    const { events, control, node, orphans } = this.init;
    const { run, from } = events;
    return control.say({ is, run, node, from, orphans });
  }

  private fail(error: unknown): void {
    if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) this.init.failed(error);
  }
}
