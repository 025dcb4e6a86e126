import type { ErrorReports } from '../errors/error-reports.js';
import { isSseError, quoted } from '../errors/sse.errors.js';
import type { ControlListener, RunControl } from './run-control.js';
import type { RunEvents } from './run-events.js';
import type { RunRecord } from './run-state.js';
import type { RunSettings } from './run.options.js';

/** What a {@link RunView} watches, and from where. */
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
 * Only silence in which the owner could have been heard counts. It starts anew when the log was unavailable or slow, and when
 * this process was suspended.
 */
export class RunView implements ControlListener {
  /** Resolves when the run has ended, or the view was closed. */
  readonly over: Promise<void>;
  private readonly unfollow: () => void;
  /** When the owner was heard last, or could not have been heard. */
  private silentSince: number;
  private heard = false;
  private saidViewing = false;
  private timer: unknown;
  private closed = false;
  /** Pending calls of `stop()`. */
  private waiting = 0;
  /** Whether nobody needed the view at the last check. */
  private idle = false;
  /** How the run ended, if this node has read it. */
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

  /** A viewer is about to come: keeps the view for at least one more check. */
  expect(): void {
    this.idle = false;
  }

  /** Asks the owner to stop. Resolves when the run has ended. */
  async stop(): Promise<void> {
    this.waiting++;
    try {
      await this.init.control.say({ is: 'stop', run: this.init.events.run });
      await this.over;
    } finally {
      this.waiting--;
    }
  }

  /**
   * Tells the owner whether there are viewers here, if it wants to know.
   *
   * @throws {SseError} as a rejection: `SSE_LOG_UNAVAILABLE`
   */
  async sayViewing(on: boolean): Promise<void> {
    const { control, events, node } = this.init;
    if (!control.state.current?.orphans || this.ended || (!on && !this.saidViewing)) return;
    await control.say({ is: 'viewing', run: events.run, node, on });
    this.saidViewing = on;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.init.settings.clock.cancel(this.timer);
    this.unfollow();
    this.settle();
    this.init.closed();
  }

  hear(record: RunRecord): void {
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

  /** Whether the run has ended, or another one has its id. */
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
      // This process was suspended, and perhaps all others with it.
      if (clock.now() - dueMs >= leaseMs) this.restart();
      void this.check();
    }, delayMs);
  }

  private async check(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      if (isSseError(error, 'SSE_LOG_UNAVAILABLE')) this.restart();
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
    if (!(await control.isAudible(clock, leaseMs / CHECKS))) return this.restart();
    const viewers = events.viewersHere();
    if (this.ended) await this.ensureEnd();
    else if (clock.now() - this.silentSince >= leaseMs) await this.giveUp();
    else await this.sayViewing(viewers > 0);
    if (viewers > 0 || this.waiting > 0 || !(this.heard || this.ended)) this.idle = false;
    else if (this.idle) this.close();
    else this.idle = true;
  }

  /** Writes that the run is lost. The control channel decides first, so that all viewers see the same end. */
  private async giveUp(): Promise<void> {
    const { events, control, node, logger, settings } = this.init;
    const { id, run, from, log, channel } = events;
    const at = await log.tail(channel);
    await control.say({ is: 'ended', run, node, outcome: { status: 'lost' }, from, at });
    await control.catchUp();
    await this.ensureEnd();
    if (this.end?.node !== node) return;
    logger.warn(`Run ${quoted(id)} was lost: its node was silent for ${settings.leaseMs} ms.`);
  }

  private async ensureEnd(): Promise<void> {
    const { events } = this.init;
    // Another run has the id, and the record that ended this one was evicted.
    const { at, outcome } = this.end ?? { at: events.from, outcome: { status: 'lost' as const } };
    await events.ensureEnd(at, outcome);
  }
}
