import { Injectable, Logger, type LoggerService } from '@nestjs/common';
import { checkOptions } from '../checking/option-check.js';
import type { Channels } from '../channels/channels.js';
import type { EventLog } from '../log/event-log.js';
import { Run } from './run.js';
import { RunControl, checkRunId, randomName } from './run-control.js';
import { RunEvents, eventsChannel } from './run-events.js';
import { complaint, type RunStatus } from './run-outcome.js';
import { RunOwner, type RunSource } from './run-owner.js';
import { RunView } from './run-view.js';
import { RunException } from './run.exception.js';
import {
  ATTACH_TABLE,
  RUNS_TABLE,
  RUN_TABLE,
  resolveRunOptions,
  type AttachOptions,
  type RunOptions,
  type RunSettings,
  type RunsOptions,
} from './run.options.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import type { ChannelSubscription } from '../channels/subscription.js';
import type { WithoutGaps } from '../channels/subscription.options.js';

/**
 * Producers that outlive their clients: what a run yields goes to the log, once, and clients attach to it, leave and come
 * back, on any node that shares the log. A run ends by itself, by `stop()`, or as an orphan if that is asked for.
 */
@Injectable()
export class Runs {
  private readonly log: EventLog;
  private readonly settings: RunSettings;
  private readonly logger: Pick<LoggerService, 'error' | 'warn'>;
  private readonly node = randomName();
  private readonly owners = new Map<string, RunOwner>();
  /** By the name of their events' channel. */
  private readonly views = new Map<string, RunView>();
  private closed = false;

  /** @throws {SseError} `SSE_INVALID_OPTIONS` */
  constructor(
    private readonly channels: Channels,
    options: RunsOptions = {},
  ) {
    checkOptions('Runs', options, RUNS_TABLE);
    this.log = channels.log;
    this.settings = resolveRunOptions(options);
    this.logger = options.logger ?? new Logger('Runs');
  }

  /**
   * Starts a run: `source` is called, and what it returns is consumed whether anybody views it or not. Resolves when the
   * id is ours. An id whose run has ended may be started anew.
   *
   * @throws {SseError} as a rejection: `SSE_RUN_EXISTS` (409) while a run has the id, on whatever node;
   * `SSE_INVALID_CHANNEL` for an id that is empty, over 236 bytes, or has control characters; `SSE_INVALID_OPTIONS`;
   * `SSE_NOT_STREAMABLE` for a source that is no function; `SSE_LOG_UNAVAILABLE`; `SSE_SHUTDOWN`.
   * @example
   * await runs.start(chatId, (signal) => this.model.answer(prompt, { signal }));
   */
  async start(id: string, source: RunSource, options: RunOptions = {}): Promise<Run> {
    checkRunId(id);
    if (typeof source !== 'function') throw noFunction(source);
    checkOptions('Runs.start()', options, RUN_TABLE);
    const settings = resolveRunOptions(options, this.settings);
    // An end that is being written is over in a moment.
    const before = this.owners.get(id);
    if (before && before.status !== 'running') await before.settled;
    if (this.closed) throw RunException.closed(id);
    const control = new RunControl(this.log, id);
    await control.catchUp();
    const owner = control.state.running ? undefined : await this.claim(id, control, settings);
    if (!owner) {
      this.watchOwner(id, control);
      if (options.attachIfRunning) return new Run(id, false, this);
      throw RunException.exists(id);
    }
    if (this.closed) {
      await owner.end({ status: 'interrupted' });
      throw RunException.closed(id);
    }
    void owner.begin(source);
    return new Run(id, true, this);
  }

  /**
   * The events of a run, for a handler to return: from the beginning or after an id, then live, to its end. An id of an
   * earlier run is answered with a gap and the run from its beginning.
   *
   * @throws {SseError} as a rejection: `SSE_RUN_UNKNOWN` (404); `SSE_INVALID_CURSOR` (400); `SSE_INVALID_CHANNEL` (400);
   * `SSE_LOG_UNAVAILABLE` (503); `SSE_INVALID_OPTIONS`. Of a run that failed, where nothing came before: what it was ended by.
   * @example
   * @Sse('chats/:id') view(@Param('id') id: string, @LastEventId() after?: string) { return this.runs.attach(id, { after }); }
   */
  attach<T = unknown>(
    id: string,
    options: AttachOptions<T> & WithoutGaps,
  ): Promise<ChannelSubscription<T, never>>;
  attach<T = unknown>(id: string, options?: AttachOptions<T>): Promise<ChannelSubscription<T>>;
  async attach<T = unknown>(id: string, options: AttachOptions<T> = {}): Promise<ChannelSubscription<T>> {
    checkOptions('Runs.attach()', options, ATTACH_TABLE);
    const owner = this.owners.get(id);
    if (owner) return owner.events.subscribe(options);
    const control = await this.look(id);
    const { current, ended } = control.state;
    if (!current) throw RunException.unknown(id);
    const view = this.view(id, control);
    view?.expect();
    const events = new RunEvents(this.channels, id, current.run, current.from);
    if (ended) {
      await events.ensureEnd(ended.at, ended.outcome);
      const error = complaint(ended.outcome, id);
      // Where nothing is left to be seen but that it failed, that is the answer, and no stream.
      if (error && !(await events.hasMore(options.after))) throw error;
    } else await view?.sayViewing(true);
    return events.subscribe(options);
  }

  /**
   * Stops a run, on whatever node it is. Resolves when it has ended: `false` if it had before.
   *
   * @throws {SseError} as a rejection: `SSE_RUN_UNKNOWN` (404), `SSE_INVALID_CHANNEL`, `SSE_LOG_UNAVAILABLE`.
   */
  async stop(id: string): Promise<boolean> {
    const owner = this.owners.get(id);
    if (owner) {
      const running = owner.status === 'running';
      await owner.end({ status: 'stopped', reason: 'stop' });
      return running;
    }
    const control = await this.look(id);
    if (!control.state.current) throw RunException.unknown(id);
    if (!control.state.running) return false;
    await this.view(id, control)?.stop();
    return true;
  }

  /**
   * How a run is; `undefined` if there was none, or the log has let go of it. One whose node has died is `running` until
   * `leaseMs` after somebody first looked.
   *
   * @throws {SseError} as a rejection: `SSE_INVALID_CHANNEL`, `SSE_LOG_UNAVAILABLE`.
   */
  async status(id: string): Promise<RunStatus | undefined> {
    const owner = this.owners.get(id);
    if (owner) return owner.status;
    const control = await this.look(id);
    const { current, ended } = control.state;
    if (!current) return undefined;
    this.watchOwner(id, control);
    return ended?.outcome.status ?? 'running';
  }

  /** The ids of the runs of this process. */
  list(): string[] {
    return [...this.owners.keys()];
  }

  /** Interrupts the runs of this process, and waits for their ends to be written, but no longer than this. */
  async close(withinMs = 2000): Promise<void> {
    this.closed = true;
    for (const view of this.views.values()) view.close();
    const owners = [...this.owners.values()];
    if (owners.length === 0) return;
    const { clock } = this.settings;
    let timer: unknown;
    const late = new Promise<void>((resolve) => (timer = clock.schedule(resolve, withinMs)));
    await Promise.race([Promise.all(owners.map((owner) => owner.end({ status: 'interrupted' }))), late]);
    clock.cancel(timer);
    for (const owner of this.owners.values()) owner.abandon({ status: 'interrupted' });
  }

  /** Takes the id, unless somebody else was faster. */
  private async claim(id: string, control: RunControl, settings: RunSettings): Promise<RunOwner | undefined> {
    const { channels, log, logger, node } = this;
    const run = randomName();
    const events = new RunEvents(channels, id, run, await log.tail(eventsChannel(id, run)));
    const orphans = settings.orphanMs !== false;
    await control.say({ is: 'running', run, node, from: events.from, orphans });
    await control.catchUp();
    if (control.state.current?.run !== run) return undefined;
    const owner = new RunOwner({ events, node, control, settings, logger });
    this.owners.set(id, owner);
    void owner.settled.then(() => {
      if (this.owners.get(id) === owner) this.owners.delete(id);
      // Who is still on the way to the end is seen to get there.
      if (events.viewersHere() > 0) this.view(id, control);
    });
    return owner;
  }

  private async look(id: string): Promise<RunControl> {
    checkRunId(id);
    const control = new RunControl(this.log, id);
    await control.catchUp();
    return control;
  }

  /** A run that nobody views is watched, too, until its node has given a sign of life or is given up. */
  private watchOwner(id: string, control: RunControl): void {
    if (control.state.running) this.view(id, control);
  }

  /** Watches the run that a control channel speaks of, unless it is our own. */
  private view(id: string, control: RunControl): RunView | undefined {
    const { channels, logger, node, settings } = this;
    const { current } = control.state;
    if (!current || this.closed || this.owners.get(id)?.events.run === current.run) return undefined;
    const events = new RunEvents(channels, id, current.run, current.from);
    const known = this.views.get(events.channel);
    if (known) return known;
    const closed = (): void => void this.views.delete(events.channel);
    const view = new RunView({ events, node, control, settings, logger, closed });
    this.views.set(events.channel, view);
    return view;
  }
}

function noFunction(source: unknown): SseError {
  return new SseError('SSE_NOT_STREAMABLE', `Runs.start() was given ${quoted(source)} to run.`, {
    remedy: 'Give a function that makes the source once the run has begun: (signal) => source.',
    context: { source },
  });
}
