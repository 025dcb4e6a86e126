// Longer than most: the life of a run on its node, from the claim to the end marker.
import type { Teardown } from '../source/pulled.source.js';
import type { Running } from '../source/source.js';
import { toSource } from '../source/to-source.js';
import type { ErrorReports, SseErrorPhase } from '../errors/error-reports.js';
import { guardedController } from '../errors/guarded-signal.js';
import { quoted } from '../errors/sse.errors.js';
import type { RunControl } from './run-control.js';
import type { RunEvents } from './run-events.js';
import { RunLease } from './run-lease.js';
import {
  abortReason,
  bounded,
  endMarker,
  failedWith,
  farewell,
  type RunOutcome,
  type RunStatus,
} from './run-outcome.js';
import { notStreamable, type RunSource } from './run-source.js';
import type { RunRecord } from './run-state.js';
import { RunViewers } from './run-viewers.js';
import type { LogPosition } from '../log/cursor.js';
import type { Clock } from '../time/clock.js';
import { RunWriter } from './run-writer.js';
import type { RunSettings } from './run.options.js';

/** The claim that has won, and the channels of a {@link RunOwner}. */
export interface RunOwnerInit {
  readonly events: RunEvents;
  readonly node: string;
  readonly control: RunControl;
  readonly settings: RunSettings;
  readonly logger: ErrorReports;
  /** When the run was claimed, in milliseconds since 1970. */
  readonly startedAt: number;
  /** When the claim was sent, by the clock of the settings. The lease began then. */
  readonly claimedAt: number;
}

const TEARDOWN_WARN_MS = 10_000;
/** A log that takes longer than this share of a lease to answer counts as unavailable. */
const IN_TIME = 1 / 3;

/**
 * A run of this process. It consumes the source, writes the events, and renews its lease until the run has ended.
 *
 * A run ends in this order: the source is released, the last events are written, the end is written to the control channel, and
 * the end marker to the events. The first end in the control channel counts. So a run stays lost if another node has written
 * that before, and a run is completed only if the log has all of its events.
 */
export class RunOwner implements Teardown {
  readonly warnMs = TEARDOWN_WARN_MS;
  readonly events: RunEvents;
  /** When the run was claimed, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Resolves when the end is in the log, or when this process stops trying to write it. Never rejects. */
  readonly settled: Promise<void>;
  /** True once the source has ended or was released. The end may not be in the log yet. */
  ending = false;
  private readonly controller = guardedController((error) => this.onTeardownError(error));
  private readonly writer: RunWriter;
  private readonly viewers: RunViewers;
  private readonly lease: RunLease;
  private running: Running | undefined;
  /** True if the source has a parameter for the signal. Otherwise it cannot know that it must stop. */
  private givenSignal = true;
  /** The requested outcome. It counts even if the source ends differently. */
  private requested: RunOutcome | undefined;
  /** The outcome that is in the log. */
  private outcome: RunOutcome | undefined;
  /** The error with which the log has refused an event. */
  private refusal: { readonly error: unknown } | undefined;
  private settle: () => void = () => undefined;

  constructor(private readonly init: RunOwnerInit) {
    const { events, control, settings, node, startedAt, claimedAt } = init;
    const { clock, leaseMs, orphanMs, node: host } = settings;
    this.events = events;
    this.startedAt = startedAt;
    this.settled = new Promise((resolve) => (this.settle = resolve));
    const fold = settings.fold === false ? undefined : events.fold(settings.fold);
    if (fold) void this.settled.then(fold.hold(true));
    this.writer = new RunWriter({
      ...settings,
      appended: () => fold?.settle(),
      log: events.log,
      channel: events.channel,
      from: events.from,
      completed: () => this.finish({ status: 'completed' }),
      failed: (error) => this.failed(error),
      refused: (error) => this.refused(error),
    });
    this.viewers = new RunViewers({
      clock,
      leaseMs,
      here: () => events.viewersHere(),
      listen: () => this.listen(),
    });
    this.lease = new RunLease({
      ...{ events, node, control, clock, leaseMs, orphans: orphanMs !== false, host, startedAt, claimedAt },
      onRecord: (record) => this.onRecord(record),
      lost: () => this.lost(),
      renewed: (inTime) => (inTime ? this.viewers.prune() : this.viewers.restart()),
      failed: (error) => this.report(error),
    });
    if (orphanMs !== false) this.viewers.watch(orphanMs, () => this.stop('orphaned'));
    // Another node may have requested a stop before this one knew that its claim had won.
    if (control.state.stopWanted) this.stop('stop');
  }

  /** The clock of the warning that a source still runs. */
  get clock(): Clock {
    return this.init.settings.clock;
  }

  /** `running` until this process has read the end in the log. */
  get status(): RunStatus {
    const { ended } = this.init.control.state;
    const outcome = this.outcome ?? (ended?.run === this.events.run ? ended.outcome : undefined);
    return outcome?.status ?? 'running';
  }

  /** The position of the last event in the log. */
  get last(): LogPosition {
    return this.writer.last;
  }

  /**
   * Reads the log if the run may have ended there: its end is being written, or this process may have been suspended or
   * disconnected. Never rejects.
   */
  async verify(): Promise<void> {
    if (this.ending || this.lease.lapsed) await this.lease.verify();
  }

  /** Starts the source. */
  async begin(make: RunSource): Promise<void> {
    this.givenSignal = make.length > 0;
    try {
      const result = await make(this.controller.signal);
      const source = toSource(result, this);
      if (!source) throw notStreamable(result);
      if (this.ending) return source.discard();
      const running = source.open(this.writer, this.writer);
      // It may have ended while it was being opened.
      if (this.ending) running.unsubscribe();
      else this.running = running;
    } catch (error) {
      if (this.ending) this.onLateError(error);
      else this.failed(error);
    }
  }

  /**
   * Ends the run: aborts the signal and writes what the source yields in the same turn. Resolves when the end is in the log.
   */
  end(outcome: RunOutcome): Promise<void> {
    if (this.ending || this.requested) return this.settled;
    this.requested = outcome;
    this.controller.abort(abortReason(outcome, this.events.id));
    this.init.settings.clock.defer(() => this.finish(outcome));
    return this.settled;
  }

  /** Ends the run without writing anything more. */
  abandon(outcome: RunOutcome): void {
    this.outcome ??= outcome;
    this.ending = true;
    this.writer.abandon();
    this.release(outcome);
    this.close();
  }

  onSlow(): void {
    this.init.logger.warn(
      `Run ${quoted(this.events.id)}: the source is still running ${TEARDOWN_WARN_MS} ms after the run has ended. ` +
        'Pass the signal to everything that the source waits for.',
    );
  }

  onLateError(error: unknown): void {
    const { events, logger } = this.init;
    // A source that has the signal reports the abort with its own error class, which is not a failure.
    if (!this.givenSignal) return this.report(error, 'teardown');
    logger.debug(`Run ${quoted(events.id)}`, 'the source failed after its signal was aborted', error);
  }

  onTeardownError(error: unknown): void {
    this.report(error, 'teardown');
  }

  private failed(error: unknown): void {
    if (this.ending || this.requested) return this.onLateError(error);
    const outcome = failedWith(error);
    if ((outcome.failure?.status ?? 500) >= 500) this.report(error);
    this.finish(outcome);
  }

  /** The log has refused an event permanently. */
  private refused(error: unknown): void {
    this.report(error);
    this.refusal ??= { error };
    if (!this.requested) this.finish(failedWith(error));
  }

  private finish(given: RunOutcome): void {
    if (this.ending) return;
    this.ending = true;
    const outcome = this.requested ?? given;
    this.release(outcome);
    void this.conclude(outcome).catch((error: unknown) => {
      this.report(error);
      this.abandon(outcome);
    });
  }

  private async conclude(given: RunOutcome): Promise<void> {
    const { writer } = this;
    const { stopped } = this.init.settings;
    await writer.end();
    if (given.status === 'stopped' && stopped !== false) await writer.end(farewell(stopped, given));
    const refused = this.refusal && given.status === 'completed';
    const outcome = bounded(refused ? failedWith(this.refusal?.error) : given);
    const end = await this.lease.end(outcome, writer.last, async () => {
      await writer.pause();
      return !writer.abandoned;
    });
    if (writer.abandoned) return;
    this.outcome = end;
    await writer.end(endMarker(this.events.run, end));
    this.close();
  }

  /** Reads the records of other nodes. `false` if those may have been unable to write. */
  private async listen(): Promise<boolean> {
    const { control, settings } = this.init;
    try {
      return (await control.answersInTime(settings.clock, settings.leaseMs * IN_TIME)) && !this.lease.overdue;
    } catch (error) {
      this.report(error);
      return false;
    }
  }

  private stop(reason: 'stop' | 'orphaned'): void {
    void this.end({ status: 'stopped', reason });
  }

  private onRecord(record: RunRecord): void {
    if (record.is === 'stop') this.stop('stop');
    else if (record.is === 'viewing') this.viewers.onViewing(record.node, record.on);
  }

  private lost(): void {
    if (this.outcome) return;
    this.init.logger.warn(
      `Run ${quoted(this.events.id)} was lost: this process could not renew its lease of ` +
        `${this.init.settings.leaseMs} ms. The source was stopped.`,
    );
    this.abandon({ status: 'lost' });
  }

  private release(outcome: RunOutcome): void {
    if (!this.controller.signal.aborted) this.controller.abort(abortReason(outcome, this.events.id));
    const { running } = this;
    this.running = undefined;
    this.viewers.stop();
    try {
      running?.unsubscribe();
    } catch (error) {
      this.report(error);
    }
  }

  private close(): void {
    this.lease.stop();
    this.viewers.stop();
    this.settle();
  }

  private report(error: unknown, phase: SseErrorPhase = 'run'): void {
    const { id } = this.events;
    this.init.logger.error(`Run ${quoted(id)}`, error, { phase, runId: id });
  }
}
