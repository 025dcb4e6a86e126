// Longer than most: the public methods of runs, each with its overloads for contracts.
import { Injectable, Logger } from '@nestjs/common';
import { randomId } from '../random-id.js';
import { checkOptions, checkRules } from '../checking/option-check.js';
import { checkIdText } from '../channels/start-position.js';
import { STATE_RULES } from '../channels/subscription.options.js';
import type { LogPosition } from '../log/cursor.js';
import type { Channels } from '../channels/channels.js';
import type { EventLog } from '../log/event-log.js';
import { ErrorReports } from '../errors/error-reports.js';
import { Run, type OwnedRun, type RunningRun } from './run.js';
import { RUN_NAME_LENGTH, RunControl, checkRunId } from './run-control.js';
import { RunEvents, eventsChannel } from './run-events.js';
import { nextRun } from './next-run.js';
import { RunList } from './run-list.js';
import { viewerError, type RunStatus } from './run-outcome.js';
import { RunOwner } from './run-owner.js';
import { retainRuns } from './run-retention.js';
import { notAFunction, type RunSource } from './run-source.js';
import type { SourceProblem } from '../source/result-problem.js';
import { RunView } from './run-view.js';
import { runExists, runsClosed, unknownRun } from './run.errors.js';
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
import { ChannelSubscription } from '../channels/subscription.js';
import { recordsOf } from '../channels/channel.js';
import { WaitingReader, type MakeReader, type Waiting } from '../channels/waiting-reader.js';
import type { Fold } from '../channels/folds/fold.js';
import type { AnyContract } from '../events/event-contract.js';
import type { GapEvent } from '../events/library-events.js';
import type { EventAttachOptions, EventRun, RunSubscription } from './event-run.js';
import type { WithoutGaps } from '../channels/subscription.options.js';

type AnyAttachOptions = AttachOptions<never, never> & { events?: AnyContract };

/** How often a claim is repeated if another run has taken the id and ended in between. */
const CLAIM_ATTEMPTS = 5;

/**
 * Runs sources that outlive their clients. The values of a run are written to the event log once. Clients can attach, leave and
 * resume on any node that shares the log. A run ends when its source ends, by `stop()`, or without viewers (`orphanMs`).
 */
@Injectable()
export class Runs {
  private readonly log: EventLog;
  private readonly settings: RunSettings;
  private readonly logger: ErrorReports;
  private readonly node = randomId(RUN_NAME_LENGTH);
  private readonly owners = new Map<string, RunOwner>();
  /** By the name of the channel with their events. */
  private readonly views = new Map<string, RunView>();
  private readonly everywhere: RunList;
  private closed = false;

  /** @throws {SseError} `SSE_INVALID_OPTIONS` */
  constructor(
    private readonly channels: Channels,
    options: RunsOptions = {},
  ) {
    checkOptions('Runs', options, RUNS_TABLE);
    this.log = channels.log;
    this.settings = resolveRunOptions(options);
    if (options.retention) retainRuns(this.log, options.retention, this.settings.leaseMs);
    this.logger = new ErrorReports(options.logger ?? new Logger('Runs'), options.onError);
    this.everywhere = new RunList({
      ...{ channels, node: this.node, settings: this.settings, logger: this.logger },
      ownerOf: (id) => this.ownerOf(id),
      look: (id) => this.look(id),
      watch: (id, control) => this.watchOwner(id, control),
    });
  }

  /**
   * Starts a run: calls `source` and consumes what it returns, with or without viewers. Resolves when this node owns the id. An
   * id whose run has ended can be started again.
   *
   * @throws {SseError} as a rejection: `SSE_RUN_EXISTS` (409) while a run with this id is running on any node;
   * `SSE_INVALID_CHANNEL` for an id that is empty, longer than 236 bytes, or contains control characters;
   * `SSE_INVALID_OPTIONS`; `SSE_NOT_STREAMABLE` for a source that is not a function; `SSE_LOG_UNAVAILABLE`; `SSE_SHUTDOWN`.
   * @example
   * await runs.start(chatId, (signal) => this.model.answer(prompt, { signal }));
   */
  start(id: string, source: RunSource, options?: RunOptions & { events?: undefined }): Promise<Run>;
  start<Result, Contract extends AnyContract>(
    id: string,
    source: (signal: AbortSignal) => Result,
    options: RunOptions<Contract> & { events: Contract } & ([SourceProblem<Result, Contract>] extends [never]
        ? unknown
        : SourceProblem<Result, Contract>),
  ): Promise<EventRun<Contract>>;
  async start(id: string, source: RunSource, options: RunOptions = {}): Promise<never> {
    return (await this.startRun(id, source, options)) as never;
  }

  private async startRun(id: string, source: RunSource, options: RunOptions): Promise<Run> {
    checkRunId(id);
    if (typeof source !== 'function') throw notAFunction(source);
    checkOptions('Runs.start()', options, RUN_TABLE);
    const settings = resolveRunOptions(options, this.settings);
    // Otherwise it would fail when the id is taken already, and nobody would run or release it.
    if (settings.fold !== false) this.channels.folds.check(settings.fold as Fold);
    const before = this.owners.get(id);
    if (before?.ending) await before.settled;
    if (this.closed) throw runsClosed(id);
    const control = await this.look(id);
    const owner = await this.acquire(id, control, settings, options.events);
    if (!owner) {
      this.watchOwner(id, control);
      if (options.attachIfRunning) return this.run(id, false, options.events);
      throw runExists(id);
    }
    if (this.closed) {
      await owner.end({ status: 'interrupted' });
      throw runsClosed(id);
    }
    void owner.begin(source);
    await this.everywhere.announced();
    return this.run(id, true, options.events);
  }

  /**
   * Subscribes to the events of a run: all of them, or those after an id, then the new ones, up to its end. A handler returns
   * the subscription. After an id of an earlier run there is a gap event, then the run from its beginning.
   *
   * Without a run, the option `none` decides. With `none: 204` the result can be a `Response`, which a handler returns as well.
   *
   * @throws {SseError} as a rejection: `SSE_RUN_UNKNOWN` (404); `SSE_INVALID_CURSOR` (400); `SSE_INVALID_CHANNEL` (400);
   * `SSE_LOG_UNAVAILABLE` (503); `SSE_INVALID_OPTIONS`. If a run has failed and nothing is left to read: its error.
   * @example
   * @Sse('chats/:id') view(@Param('id') id: string, @LastEventId() after?: string) { return this.runs.attach(id, { after }); }
   */
  attach<T = unknown>(
    id: string,
    options: AttachOptions<T> & { none: 204; events?: undefined },
  ): Promise<ChannelSubscription<T> | Response>;
  attach<Contract extends AnyContract>(
    id: string,
    options: EventAttachOptions<Contract> & { none: 204; events: Contract },
  ): Promise<RunSubscription<Contract> | Response>;
  attach<Contract extends AnyContract>(
    id: string,
    options: EventAttachOptions<Contract> & WithoutGaps & { events: Contract },
  ): Promise<RunSubscription<Contract, never>>;
  attach<Contract extends AnyContract, Gap extends string = 'gap'>(
    id: string,
    options: EventAttachOptions<Contract> & { events: Contract; gap?: Gap | undefined },
  ): Promise<RunSubscription<Contract, GapEvent<Gap>>>;
  attach<T = unknown>(
    id: string,
    options: AttachOptions<T> & WithoutGaps,
  ): Promise<ChannelSubscription<T, never>>;
  attach<T = unknown>(id: string, options?: AttachOptions<T>): Promise<ChannelSubscription<T>>;
  async attach(id: string, options: AnyAttachOptions = {}): Promise<never> {
    return (await this.attachTo(id, options)) as never;
  }

  private async attachTo(id: string, options: AnyAttachOptions): Promise<ChannelSubscription | Response> {
    checkOptions('Runs.attach()', options, ATTACH_TABLE);
    checkRules('Runs.attach()', options as AttachOptions, STATE_RULES);
    // First, because logs are asked for the id.
    checkIdText(options.after);
    const { none = 404, ...others } = options;
    const owner = await this.ownerOf(id);
    if (owner) return new ChannelSubscription(this.reader(owner.events, others));
    const control = await this.look(id);
    const { current, ended } = control.state;
    const events = current && new RunEvents(this.channels, id, current.run, current.from);
    // A client that has not read a run to its end gets the rest of it, even if only a running one counts.
    const isOver = ended !== undefined && none !== 404 && !(await events?.continues(others.after));
    if (!events || isOver) {
      if (none === 404) throw unknownRun(id);
      if (none === 204) return new Response(null, { status: 204 });
      return new ChannelSubscription((to) => new WaitingReader(this.next(id, control, others), to));
    }
    const view = this.view(events, control);
    view?.expect();
    if (ended) {
      await events.ensureEnd(ended.at, ended.outcome);
      const error = viewerError(ended.outcome, id);
      // With no events left to send, the answer is this error instead of a stream.
      if (error && !(await events.hasMore(others.after))) throw error;
    } else await view?.announceViewing(true);
    return new ChannelSubscription(this.reader(events, others));
  }

  private reader(events: RunEvents, options: AnyAttachOptions): MakeReader {
    const { serialize, validate } = this.settings;
    const fold = options.fold ?? (options.snapshot ? undefined : this.settings.fold);
    const records = recordsOf({ serialize, contract: validate ? options.events : undefined });
    return events.reader({ ...options, fold }, { records, end: () => this.endOf(events) });
  }

  /** Waits for the next run of an id. */
  private next(id: string, control: RunControl, options: AnyAttachOptions): Waiting {
    return nextRun(control, options.signal, async ({ run, from }, ended) => {
      const events = new RunEvents(this.channels, id, run, from);
      const view = this.view(events, control);
      view?.expect();
      // An id of the run before is not one of this run.
      const make = this.reader(events, { ...options, after: undefined });
      await (ended ? events.ensureEnd(ended.at, ended.outcome) : view?.announceViewing(true));
      return make;
    });
  }

  /** The position before the end marker of a run. `undefined` while it is running. */
  private async endOf({ id, run, from }: RunEvents): Promise<LogPosition | undefined> {
    const { current, ended } = (await this.look(id)).state;
    // The position of an end that another run has followed is not known. Its events are read from the beginning.
    return current?.run === run ? ended?.at : from;
  }

  /**
   * Stops a run on whatever node it is. Resolves when the run has ended: `true`, or `false` if it had ended before.
   *
   * @throws {SseError} as a rejection: `SSE_RUN_UNKNOWN` (404), `SSE_INVALID_CHANNEL`, `SSE_LOG_UNAVAILABLE`.
   */
  async stop(id: string): Promise<boolean> {
    const owner = await this.ownerOf(id);
    if (owner) {
      const running = !owner.ending;
      await owner.end({ status: 'stopped', reason: 'stop' });
      return running;
    }
    const control = await this.look(id);
    const { current, running } = control.state;
    if (!current) throw unknownRun(id);
    if (!running) return false;
    await this.view(new RunEvents(this.channels, id, current.run, current.from), control)?.stop();
    return true;
  }

  /**
   * Returns the status of a run, or `undefined` if the id was never started or the log has evicted it. A run whose node has died is
   * `running` until `leaseMs` after a node first looked.
   *
   * @throws {SseError} as a rejection: `SSE_INVALID_CHANNEL`, `SSE_LOG_UNAVAILABLE`.
   */
  async status(id: string): Promise<RunStatus | undefined> {
    const owner = await this.ownerOf(id);
    if (owner) return 'running';
    const control = await this.look(id);
    const { current, ended } = control.state;
    if (!current) return undefined;
    this.watchOwner(id, control);
    return ended?.outcome.status ?? 'running';
  }

  /**
   * Lists the runs that are running on all nodes, the oldest first. A run whose node has died is listed until `leaseMs` after a node
   * first looked. A node that was cut off from the log may be missing until a third of `leaseMs` after that.
   *
   * @throws {SseError} as a rejection: `SSE_LOG_UNAVAILABLE`.
   */
  list(): Promise<RunningRun[]> {
    return this.everywhere.list(this.owners.keys());
  }

  /** The number of runs that this process owns. */
  size(): number {
    return this.owners.size;
  }

  /** @internal The runs of this process, for the inspector. */
  owned(): OwnedRun[] {
    return [...this.owners.values()].map(({ events, status, startedAt }) => ({
      id: events.id,
      status,
      startedAt,
      viewers: events.viewersHere(),
    }));
  }

  /** Interrupts the runs of this process. Resolves when their ends are in the log, at the latest after `withinMs`. */
  async close(withinMs = 2000): Promise<void> {
    this.closed = true;
    this.everywhere.close();
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

  private run(id: string, started: boolean, events: AnyContract | undefined): Run {
    return new Run(
      id,
      started,
      (of, options) => this.attachTo(of, events ? { events, ...options } : { ...options }) as Promise<never>,
      (of) => this.stop(of),
      (of) => this.status(of),
    );
  }

  /** The owner of an id, if it is in this process and its run is running. */
  private async ownerOf(id: string): Promise<RunOwner | undefined> {
    await this.owners.get(id)?.verify();
    const owner = this.owners.get(id);
    return owner?.status === 'running' ? owner : undefined;
  }

  /** Acquires an id. Returns `undefined` if another run has it. */
  private async acquire(
    id: string,
    control: RunControl,
    settings: RunSettings,
    contract: AnyContract | undefined,
  ): Promise<RunOwner | undefined> {
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS && !control.state.running; attempt++) {
      const owner = await this.everywhere.announce(id, () => this.claim(id, control, settings, contract));
      if (owner) return owner;
    }
    return undefined;
  }

  private async claim(
    id: string,
    control: RunControl,
    settings: RunSettings,
    contract: AnyContract | undefined,
  ): Promise<RunOwner | undefined> {
    const { channels, log, logger, node } = this;
    const run = randomId(RUN_NAME_LENGTH);
    const follows = control.state.current?.run;
    const events = new RunEvents(channels, id, run, await log.tail(eventsChannel(id, run)));
    // Before any client can know the run. Otherwise the contract of a client would count, and not that of the run.
    if (contract) events.agreeOn(contract);
    const orphans = settings.orphanMs !== false;
    const { clock, node: host } = settings;
    const startedAt = clock.wallNow();
    const claimedAt = clock.now();
    await control.append({ is: 'claim', run, follows, node, from: events.from, orphans, host, startedAt });
    // An answer that arrives a lease after its question is out of date: this process may have been suspended.
    let readAt: number;
    do {
      readAt = clock.now();
      await control.catchUp();
    } while (clock.now() - readAt >= settings.leaseMs);
    const { current, running } = control.state;
    if (!running || current?.run !== run) return undefined;
    const owner = new RunOwner({ events, node, control, settings, logger, startedAt, claimedAt });
    this.owners.set(id, owner);
    void owner.settled.then(() => {
      if (this.owners.get(id) === owner) this.owners.delete(id);
      // The view writes the end marker again if the log evicts it before all viewers have read it.
      if (events.viewersHere() > 0) this.view(events, control);
    });
    return owner;
  }

  private async look(id: string): Promise<RunControl> {
    checkRunId(id);
    const control = new RunControl(this.log, id);
    await control.catchUp();
    return control;
  }

  /** Watches a run without viewers until its node has renewed its lease or counts as dead. */
  private watchOwner(id: string, control: RunControl): void {
    const { current, running } = control.state;
    if (current && running) this.view(new RunEvents(this.channels, id, current.run, current.from), control);
  }

  /** Watches a run of another node. */
  private view(events: RunEvents, control: RunControl): RunView | undefined {
    const { logger, node, settings } = this;
    if (this.closed || this.owners.get(events.id)?.events.run === events.run) return undefined;
    const known = this.views.get(events.channel);
    if (known) return known;
    const closed = (): void => void this.views.delete(events.channel);
    const view = new RunView({ events, node, control, settings, logger, closed });
    this.views.set(events.channel, view);
    return view;
  }
}
