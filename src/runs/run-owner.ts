import type { LoggerService } from '@nestjs/common';
import { event } from '../events/sse-event.js';
import type { Teardown } from '../source/pulled.source.js';
import type { Running } from '../source/source.js';
import { toSource } from '../source/to-source.js';
import { errorText } from '../errors/error-text.js';
import { SseError, isSseError, quoted } from '../errors/sse.errors.js';
import type { RunControl } from './run-control.js';
import type { RunEvents } from './run-events.js';
import { endMarker, failedWith, type RunOutcome, type RunStatus } from './run-outcome.js';
import type { RunRecord } from './run-state.js';
import { RunViewers } from './run-viewers.js';
import { RunWriter } from './run-writer.js';
import type { RunSettings } from './run.options.js';

/**
 * Makes what a run writes: anything that an `@Sse()` handler may return. The signal aborts when the run is to end, or has
 * ended; its reason is an `SseError` whose code says why.
 */
export type RunSource = (signal: AbortSignal) => unknown;

/** What a {@link RunOwner} is made of: a claim to an id that has been won. */
export interface RunOwnerInit {
  readonly events: RunEvents;
  readonly node: string;
  readonly control: RunControl;
  readonly settings: RunSettings;
  readonly logger: Pick<LoggerService, 'error' | 'warn'>;
}

/** As often in a lease its owner says that it lives. */
const BEATS = 3;
const TEARDOWN_WARN_MS = 10_000;

/** A run of this process: it takes what the source gives, writes it, and says that it lives until it has ended. */
export class RunOwner implements Teardown {
  readonly warnMs = TEARDOWN_WARN_MS;
  /** Resolves when the end is in the log, or was given up. Never rejects. */
  readonly settled: Promise<void>;
  readonly events: RunEvents;
  private readonly controller = new AbortController();
  private readonly writer: RunWriter;
  private readonly viewers: RunViewers;
  private readonly unfollow: () => void;
  private running: Running | undefined;
  private beating: unknown;
  /** How it is to end: whatever its source does from then on. */
  private ending: RunOutcome | undefined;
  private outcome: RunOutcome | undefined;
  private settle: () => void = () => undefined;

  constructor(private readonly init: RunOwnerInit) {
    const { events, control, settings } = init;
    this.events = events;
    this.settled = new Promise((resolve) => (this.settle = resolve));
    this.writer = new RunWriter({
      ...settings,
      log: events.log,
      channel: events.channel,
      from: events.from,
      completed: () => this.finish({ status: 'completed' }),
      failed: (error) => this.failed(error),
    });
    const { clock, leaseMs, orphanMs } = settings;
    this.viewers = new RunViewers(clock, () => events.viewersHere(), leaseMs);
    this.unfollow = control.follow((record) => this.hear(record));
    this.beat();
    if (orphanMs !== false) this.viewers.watch(orphanMs, () => this.stop('orphaned'));
    // Somebody was faster than the word that the claim was won.
    if (control.state.stopWanted) this.stop('stop');
  }

  get status(): RunStatus {
    return this.outcome?.status ?? 'running';
  }

  /** Starts the source. */
  async begin(make: RunSource): Promise<void> {
    try {
      const result = await make(this.controller.signal);
      const source = toSource(result, this);
      if (!source) throw notStreamable(result);
      if (this.outcome) return source.discard();
      const running = source.open(this.writer, this.writer);
      // It may have ended while it was being opened.
      if (this.outcome) running.unsubscribe();
      else this.running = running;
    } catch (error) {
      if (this.outcome) this.onLateError(error);
      else this.failed(error);
    }
  }

  /**
   * Ends it: the signal aborts, and what the source still says in this turn is written. Resolves when the end is in the
   * log.
   */
  end(outcome: RunOutcome): Promise<void> {
    if (this.outcome || this.ending) return this.settled;
    this.ending = outcome;
    this.controller.abort(reasonOf(outcome, this.events.id));
    this.init.settings.clock.defer(() => this.finish(outcome));
    return this.settled;
  }

  /** Stops without a word in the log: it is not ours any more, or out of reach. */
  abandon(outcome: RunOutcome): void {
    this.outcome ??= outcome;
    this.letGo(outcome);
    this.writer.abandon();
    this.close();
  }

  onSlow(): void {
    this.init.logger.warn(
      `Run ${quoted(this.events.id)}: its source still runs ${TEARDOWN_WARN_MS} ms after the run has ended. ` +
        'It waits for something that does not settle: hand it the signal that it is given.',
    );
  }

  onLateError(error: unknown): void {
    // A source that was told to stop may say so by throwing.
    if (error === this.controller.signal.reason || isSseError(error)) return;
    if ((error as { name?: unknown } | null)?.name !== 'AbortError') this.report(error);
  }

  private failed(error: unknown): void {
    if (this.outcome) return this.report(error);
    if (this.ending) return this.onLateError(error);
    const outcome = failedWith(error);
    if ((outcome.failure?.status ?? 500) >= 500) this.report(error);
    this.finish(outcome);
  }

  private finish(given: RunOutcome): void {
    if (this.outcome) return;
    this.outcome = this.ending ?? given;
    this.letGo(this.outcome);
    void this.conclude(this.outcome);
  }

  /** First the events end, then the id is free: nobody waits for an end that does not come. */
  private async conclude(outcome: RunOutcome): Promise<void> {
    const { writer } = this;
    const { events, control, settings } = this.init;
    const { run, from } = events;
    const { stopped } = settings;
    const words = outcome.status === 'stopped' && stopped !== false ? [farewell(stopped, outcome)] : [];
    await writer.end(...words);
    const at = writer.last;
    await writer.end(endMarker(run, outcome));
    const ended: RunRecord = { is: 'ended', run, outcome, from, at };
    while (!writer.abandoned) {
      try {
        await control.say(ended);
        break;
      } catch (error) {
        if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) {
          this.report(error);
          break;
        }
        await writer.pause();
      }
    }
    this.close();
  }

  private stop(reason: 'stop' | 'orphaned'): void {
    void this.end({ status: 'stopped', reason });
  }

  private hear(record: RunRecord): void {
    if (this.outcome) return;
    if (record.is === 'stop') this.stop('stop');
    else if (record.is === 'viewing') this.viewers.hear(record.node, record.on);
    else if (record.is === 'ended') {
      this.init.logger.warn(
        `Run ${quoted(this.events.id)}: other nodes had no sign of this one for ${this.init.settings.leaseMs} ms and gave ` +
          'the run up for lost; it ends here, too.',
      );
      this.abandon({ status: 'lost' });
    }
  }

  /** A sign of life, which also keeps the claim in a log that forgets. */
  private beat(): void {
    const { events, control, node, settings } = this.init;
    const { run, from } = events;
    const { clock, leaseMs, orphanMs } = settings;
    this.beating = clock.schedule(() => {
      control.say({ is: 'running', run, node, from, orphans: orphanMs !== false }).catch(() => undefined);
      this.beat();
    }, leaseMs / BEATS);
  }

  private letGo(outcome: RunOutcome): void {
    if (!this.controller.signal.aborted) this.controller.abort(reasonOf(outcome, this.events.id));
    const { running } = this;
    this.running = undefined;
    this.viewers.stop();
    running?.unsubscribe();
  }

  private close(): void {
    this.init.settings.clock.cancel(this.beating);
    this.viewers.stop();
    this.unfollow();
    this.settle();
  }

  private report(error: unknown): void {
    this.init.logger.error(`Run ${quoted(this.events.id)}: ${errorText(error)}`);
  }
}

function reasonOf({ status, reason }: RunOutcome, id: string): SseError {
  const run = `The run ${quoted(id)}`;
  if (status === 'interrupted') return new SseError('SSE_SHUTDOWN', `${run} ends with its application.`);
  if (status === 'lost') return new SseError('SSE_RUN_LOST', `${run} is not this node's any more.`);
  if (status !== 'stopped') return new SseError('SSE_ENDED', `${run} has ${status}.`);
  const why = reason === 'orphaned' ? 'nobody views it' : 'somebody asked for it';
  return new SseError('SSE_RUN_STOPPED', `${run} was stopped: ${why}.`);
}

function farewell(type: string, { reason = 'stop' }: RunOutcome) {
  return event({ type, data: JSON.stringify({ reason }) });
}

function notStreamable(result: unknown): SseError {
  return new SseError('SSE_NOT_STREAMABLE', `The source of a run is ${quoted(result)}.`, {
    remedy: 'Return what an @Sse() handler would: a generator, an iterable, a stream or an Observable.',
    context: { result },
  });
}
