import type { LoggerService } from '@nestjs/common';
import { isSseError, quoted } from '../errors/sse.errors.js';
import type { RunControl } from './run-control.js';
import type { RunEvents } from './run-events.js';
import type { RunOutcome } from './run-outcome.js';
import type { RunRecord } from './run-state.js';
import type { RunSettings } from './run.options.js';

/** What a {@link RunView} looks at, and from where. */
export interface RunViewInit {
  readonly events: RunEvents;
  /** This node. */
  readonly node: string;
  readonly control: RunControl;
  readonly settings: RunSettings;
  readonly logger: Pick<LoggerService, 'error' | 'warn'>;
  /** Nobody needs it any more. */
  closed(): void;
}

const CHECKS = 3;

/**
 * A run that another node owns, or owned: as long as somebody here views it, it is watched for signs of life. Silence for
 * a lease means that the run is lost, and whoever notices says so, to all. It also sees to it that its viewers come to an
 * end when the log has let go of the end marker.
 */
export class RunView {
  /** Resolves when the run has ended, or this node. */
  readonly over: Promise<void>;
  private readonly unfollow: () => void;
  private heardAt: number;
  private heard = false;
  private saidViewing = false;
  private timer: unknown;
  private closed = false;
  private waiting = 0;
  /** Nobody was here at the last check. */
  private idle = false;
  private settle: () => void = () => undefined;

  constructor(private readonly init: RunViewInit) {
    this.over = new Promise((resolve) => (this.settle = resolve));
    this.heardAt = init.settings.clock.now();
    this.unfollow = init.control.follow((record) => this.hear(record));
    if (this.ended) this.settle();
    this.schedule();
  }

  /** Somebody is about to come: stays for at least one more check. */
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

  /** Tells the owner that there are viewers here, if it wants to know. */
  async sayViewing(on: boolean): Promise<void> {
    const { control, events, node } = this.init;
    if (!control.state.current?.orphans || this.ended || (!on && !this.saidViewing)) return;
    this.saidViewing = on;
    await control.say({ is: 'viewing', run: events.run, node, on }).catch(() => undefined);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.init.settings.clock.cancel(this.timer);
    this.unfollow();
    this.settle();
    this.init.closed();
  }

  /** Whether another run has the id by now, or none. */
  private get ended(): boolean {
    const { state } = this.init.control;
    return state.current?.run !== this.init.events.run || state.ended !== undefined;
  }

  private hear(record: RunRecord): void {
    const { events, settings } = this.init;
    if (record.run === events.run && record.is === 'running') {
      this.heardAt = settings.clock.now();
      this.heard = true;
    }
    if (this.ended) this.settle();
  }

  private schedule(): void {
    const { clock, leaseMs } = this.init.settings;
    const silenceMs = clock.now() - this.heardAt;
    const delayMs = this.ended ? leaseMs : Math.max(leaseMs - silenceMs, 1);
    this.timer = clock.schedule(() => void this.check(), Math.min(leaseMs / CHECKS, delayMs));
  }

  private async check(): Promise<void> {
    const { clock, leaseMs } = this.init.settings;
    try {
      await this.look(clock.now() - this.heardAt >= leaseMs);
    } catch (error) {
      // Who cannot hear must not take it for silence.
      if (isSseError(error, 'SSE_LOG_UNAVAILABLE')) this.heardAt = clock.now();
      else this.init.logger.error(`Run ${quoted(this.init.events.id)}: ${String(error)}`);
    }
    if (!this.closed) this.schedule();
  }

  private async look(silent: boolean): Promise<void> {
    const { events, control, settings } = this.init;
    if (events.log.health().status === 'down') {
      this.heardAt = settings.clock.now();
      return;
    }
    // What was said may not have come to be heard.
    const asked = settings.clock.now();
    await control.catchUp();
    // A log that stood still for us did so for the owner.
    if (settings.clock.now() - asked >= settings.leaseMs / CHECKS) this.heardAt = settings.clock.now();
    const viewers = events.viewersHere();
    await this.sayViewing(viewers > 0);
    if (this.ended) await this.sayEnd();
    else if (silent && settings.clock.now() - this.heardAt >= settings.leaseMs) await this.giveUp();
    if (viewers > 0 || this.waiting > 0 || !(this.heard || this.ended)) this.idle = false;
    else if (this.idle) this.close();
    else this.idle = true;
  }

  private async giveUp(): Promise<void> {
    const { events, control, logger, settings } = this.init;
    const { id, run, from, log, channel } = events;
    const outcome: RunOutcome = { status: 'lost' };
    const at = await log.tail(channel);
    await events.end(outcome);
    await control.say({ is: 'ended', run, outcome, from, at });
    await control.catchUp();
    logger.warn(`Run ${quoted(id)} is lost: its node gave no sign of life for ${settings.leaseMs} ms.`);
  }

  private async sayEnd(): Promise<void> {
    const { events, control } = this.init;
    const { ended } = control.state;
    if (ended?.run === events.run) await events.ensureEnd(ended.at, ended.outcome);
  }
}
