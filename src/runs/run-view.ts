import type { ErrorReports } from '../errors/error-reports.js';
import { isSseError, quoted } from '../errors/sse.errors.js';
import type { ControlListener, RunControl } from './run-control.js';
import type { RunEvents } from './run-events.js';
import type { RunRecord } from './run-state.js';
import type { RunSettings } from './run.options.js';

/** The run and the node of a {@link RunView}. */
export interface RunViewInit {
  readonly events: RunEvents;
  /** This node. */
  readonly node: string;
  readonly control: RunControl;
  readonly settings: RunSettings;
  readonly logger: ErrorReports;
  /** Called once, when nobody needs the view anymore. */
  closed(): void;
}

/** Checks per lease. */
const CHECKS = 3;

/**
 * A run that another node owns or owned. While this node has viewers, it watches the owner. After a lease of silence it
 * writes to the log that the run is lost. It also makes sure that there is an end marker for its viewers once the run is over.
 *
 * Silence counts only while the log could have delivered a record of the owner. The time starts again at the first check that the
 * log answers after it was unavailable or slow. Time in which this process was suspended, perhaps together with the owner, does
 * not count.
 */
export class RunView implements ControlListener {
  /** Resolves when the run has ended, or the view was closed. */
  readonly over: Promise<void>;
  private readonly unfollow: () => void;
  /** The time of the last record of the owner, or since which the log could have delivered one. */
  private silentSince: number;
  private heard = false;
  /** True if the log did not answer the last check, or too late. */
  private away = false;
  private announcedViewing = false;
  private timer: unknown;
  private closed = false;
  /** Pending calls of `stop()`. */
  private waiting = 0;
  /** True if nobody needed the view at the last check. */
  private idle = false;
  /** The end of the run, if this node has read it. */
  private end: Extract<RunRecord, { is: 'ended' }> | undefined;
  private settle: () => void = () => undefined;

  constructor(private readonly init: RunViewInit) {
    const { state } = init.control;
    this.over = new Promise((resolve) => (this.settle = resolve));
    this.silentSince = init.settings.clock.now();
    if (state.ended?.run === init.events.run) this.end = state.ended;
    this.unfollow = init.control.follow(this);
    if (this.ended) this.settle();
    this.schedule();
  }

  /** Keeps the view for at least one more check, because a viewer is about to subscribe. */
  expect(): void {
    this.idle = false;
  }

  /** Asks the owner to stop. Resolves when the run has ended. */
  async stop(): Promise<void> {
    this.waiting++;
    try {
      await this.init.control.append({ is: 'stop', run: this.init.events.run });
      await this.over;
    } finally {
      this.waiting--;
    }
  }

  /**
   * Announces to the owner whether this node has viewers, if the owner needs that.
   *
   * @throws {SseError} as a rejection: `SSE_LOG_UNAVAILABLE`
   */
  async announceViewing(on: boolean): Promise<void> {
    const { control, events, node } = this.init;
    if (!control.state.current?.orphans || this.ended || (!on && !this.announcedViewing)) return;
    await control.append({ is: 'viewing', run: events.run, node, on });
    this.announcedViewing = on;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.init.settings.clock.cancel(this.timer);
    this.unfollow();
    this.settle();
    this.init.closed();
  }

  onRecord(record: RunRecord): void {
    const { run } = this.init.events;
    if (record.run === run && (record.is === 'claim' || record.is === 'alive')) {
      this.restart();
      this.heard = true;
    }
    if (record.run === run && record.is === 'ended') this.end ??= record;
    if (this.ended) this.settle();
  }

  missed(): void {
    this.restart();
  }

  /** True if the run has ended, or if another run has its id. */
  private get ended(): boolean {
    const { current } = this.init.control.state;
    return this.end !== undefined || (current !== undefined && current.run !== this.init.events.run);
  }

  private restart(): void {
    this.silentSince = this.init.settings.clock.now();
  }

  private schedule(): void {
    const { clock, leaseMs } = this.init.settings;
    const leftMs = this.ended ? leaseMs : Math.max(this.silentSince + leaseMs - clock.now(), 1);
    const delayMs = Math.min(leaseMs / CHECKS, leftMs);
    const dueMs = clock.now() + delayMs;
    this.timer = clock.schedule(() => {
      const now = clock.now();
      this.silentSince = Math.min(now, this.silentSince + now - dueMs);
      void this.check();
    }, delayMs);
  }

  private async check(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      this.away = isSseError(error, 'SSE_LOG_UNAVAILABLE');
      if (this.away) this.restart();
      else {
        const { id } = this.init.events;
        this.init.logger.error(`Run ${quoted(id)}`, error, { phase: 'run', runId: id });
      }
    }
    if (!this.closed) this.schedule();
  }

  private async look(): Promise<void> {
    const { events, control, settings } = this.init;
    const { clock, leaseMs } = settings;
    const inTime = await control.answersInTime(clock, leaseMs / CHECKS);
    if (!inTime || this.away) this.restart();
    this.away = !inTime;
    const viewers = events.viewersHere();
    if (this.ended) await this.ensureEnd();
    else if (clock.now() - this.silentSince >= leaseMs) await this.giveUp();
    // A log that is too slow to judge the owner can still deliver this, and the owner may get its answers in time.
    else await this.announceViewing(viewers > 0);
    if (!inTime || viewers > 0 || this.waiting > 0 || !(this.heard || this.ended)) this.idle = false;
    else if (this.idle) this.close();
    else this.idle = true;
  }

  /** Writes that the run is lost. The control channel decides first, so that all viewers see the same end. */
  private async giveUp(): Promise<void> {
    const { events, control, node, logger, settings } = this.init;
    const { id, run, from, log, channel } = events;
    const judgedAt = settings.clock.now();
    const at = await log.tail(channel);
    // This process was suspended meanwhile, and the owner may have renewed its lease.
    if (settings.clock.now() - judgedAt >= settings.leaseMs / CHECKS) return;
    await control.append({ is: 'ended', run, node, outcome: { status: 'lost' }, from, at });
    await control.catchUp();
    await this.ensureEnd();
    if (this.end?.node !== node) return;
    logger.warn(`Run ${quoted(id)} was lost: its node was silent for ${settings.leaseMs} ms.`);
  }

  private async ensureEnd(): Promise<void> {
    const { events } = this.init;
    // Without a record, another run has the id, and the end of this one was evicted.
    const { at, outcome } = this.end ?? { at: events.from, outcome: { status: 'lost' as const } };
    await events.ensureEnd(at, outcome);
  }
}
