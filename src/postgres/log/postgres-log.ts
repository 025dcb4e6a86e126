// Longer than most: it connects the parts of the log, and answers the whole contract of an event log.
import type {
  Awaitable,
  EventLog,
  KeptEvents,
  LogHealth,
  LogListener,
  LogSlice,
  LogSnapshots,
  ReadLimit,
} from '../../log/event-log.js';
import type { LogPosition } from '../../log/cursor.js';
import type { Retention } from '../../log/retention.js';
import type { LogRecord } from '../../log/log-record.js';
import type { Transaction } from '../../log/transaction.js';
import { closed, reasonOf, unavailable } from '../../errors/outage.js';
import type { SseError } from '../../errors/sse.errors.js';
import { checkSizes } from '../../log/remote/append-limits.js';
import { FailedReads } from '../../log/remote/failed-reads.js';
import { EVENT_LOG_WORDS } from '../../log/remote/health-words.js';
import { HealthReport, type LineLogger } from '../../errors/health-report.js';
import { FirstAttempt } from '../../time/first-attempt.js';
import type { Query, Rows } from '../link/postgres-client.js';
import { isTransient } from '../link/postgres-errors.js';
import { PostgresLink, type LinkEvents } from '../link/postgres-link.js';
import { ensureSchema } from '../schema/migrate.js';
import { inSchema } from '../schema/migrations.js';
import { Announcer } from './announcer.js';
import { Appender } from './appender.js';
import { ChannelReader } from './channel-reader.js';
import { Keeper } from './keeper.js';
import { keptIn } from './kept.js';
import { LogState, RestartedError } from './log-state.js';
import { placeOf } from './place.js';
import { DEAF_MS, Poller } from './poller.js';
import {
  resolvePostgresLogOptions,
  type PostgresLogOptions,
  type PostgresLogSettings,
} from './postgres-log.options.js';
import { PostgresSnapshots } from './postgres-snapshots.js';
import { Transactions } from './transactions.js';
import { Watches } from './watches.js';

/** Milliseconds without notifications before the log warns. A lost connection is usually replaced in that time. */
const DEAF_GRACE_MS = 5000;

/**
 * Creates an event log in PostgreSQL (14 or later), shared by all processes that use the same database and schema. It connects
 * when it is first used.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * SseModule.forRoot({ log: postgresLog({ client: process.env.DATABASE_URL, createSchema: true }) })
 */
export function postgresLog(options: PostgresLogOptions): PostgresLog {
  return new PostgresLog(options, resolvePostgresLogOptions(options));
}

/** The log that {@link postgresLog} creates. */
export class PostgresLog implements EventLog {
  private readonly link: PostgresLink;
  private readonly state: LogState;
  private readonly reader: ChannelReader;
  private readonly appender: Appender;
  private readonly announcer: Announcer;
  private readonly transactions: Transactions;
  private readonly watches = new Watches();
  private readonly poller: Poller;
  private readonly keeper: Keeper;
  readonly snapshots: LogSnapshots;
  private readonly report: HealthReport;
  private readonly firstAttempt = new FirstAttempt();
  private readonly failedReads: FailedReads;
  private opened = false;
  private closed = false;
  private deafTimer: unknown;

  /** @internal See {@link postgresLog}. */
  constructor(
    { client, listen }: Pick<PostgresLogOptions, 'client' | 'listen'>,
    private readonly settings: PostgresLogSettings,
  ) {
    const link = (this.link = new PostgresLink(
      { ...settings, client, listen, notifications: `sse_${settings.schema}` },
      this.linkEvents(),
    ));
    this.report = new HealthReport(
      () => link.address,
      () => settings.clock.now(),
      EVENT_LOG_WORDS,
    );
    const state = (this.state = new LogState(settings.schema));
    this.reader = new ChannelReader(link, state, settings.schema);
    this.failedReads = new FailedReads(settings.clock, (names) => this.watches.wake(names));
    this.announcer = new Announcer(link);
    this.keeper = new Keeper(link, this.watches, settings);
    this.snapshots = new PostgresSnapshots(link, settings, (name, question) => this.ask(name, question));
    this.poller = new Poller(link, state, this.watches, settings);
    this.transactions = new Transactions(link, state, settings, (channels) => {
      this.watches.wake(channels);
      for (const channel of channels) this.announcer.add(channel);
      this.announcer.flush();
    });
    this.appender = new Appender(link, state, settings, {
      appended: (channel, records, last) => {
        this.watches.wakeIfBefore(channel, last);
        this.announcer.add(channel);
        this.keeper.count(channel, records);
      },
      settle: () => {
        this.announcer.flush();
        return this.keeper.trim();
      },
    });
  }

  /**
   * Connects on the first call. Resolves if PostgreSQL can be used.
   *
   * @throws {SseError} `SSE_LOG_UNAVAILABLE` if it cannot. The log keeps trying to connect.
   */
  async ready(): Promise<void> {
    this.open();
    if (!this.link.up) await this.firstAttempt.wait();
    if (this.closed) throw closed();
    if (!this.link.up) throw this.notConnected();
  }

  append(name: string, records: readonly LogRecord[]): Awaitable<readonly LogPosition[]> {
    if (this.closed) throw closed();
    checkSizes(name, records, this.settings.bounds(name).maxEventBytes);
    if (records.length === 0) return [];
    this.open();
    // With `waitMs: false` an append fails immediately, but only after the first attempt to connect has settled.
    if (this.settings.waitMs !== false || this.firstAttempt.settled)
      return this.appender.append(name, records);
    return this.firstAttempt.wait().then(() => this.append(name, records));
  }

  async appendIn(tx: Transaction, name: string, records: readonly LogRecord[]): Promise<void> {
    if (this.closed) throw closed();
    checkSizes(name, records, this.settings.bounds(name).maxEventBytes);
    if (records.length === 0) return;
    if (this.state.logId === '') await this.ready();
    await this.transactions.append(tx, name, records);
    // Even if it rolls back: then it is only trimmed too early.
    this.keeper.count(name, records);
  }

  read(name: string, after: LogPosition | undefined, limit: ReadLimit): Promise<LogSlice> {
    return this.ask(name, async () => {
      const settled = this.appender.doubts.settled(name);
      if (settled) await settled;
      const wakeUps = this.watches.wakeUpsOf(name);
      const slice = await this.reader.read(name, after, limit);
      this.watches.read(name, slice.entries.at(-1)?.order ?? 0, slice.more, wakeUps);
      return slice;
    });
  }

  tail(name: string): Promise<LogPosition> {
    const text = inSchema(this.settings.schema, 'SELECT $S.sse_tail_1($1)::text');
    return this.ask(
      name,
      async () => this.positionIn(name, await this.link.query(text, [name])) as LogPosition,
    );
  }

  locate(name: string, id: string): Promise<LogPosition | undefined> {
    const text = inSchema(this.settings.schema, 'SELECT $S.sse_locate_1($1, $2)::text');
    return this.ask(name, async () => this.positionIn(name, await this.link.query(text, [name, id])));
  }

  watch(names: readonly string[], listener: LogListener): () => void {
    if (this.closed) throw closed();
    this.open();
    const first = this.watches.size === 0;
    const unwatch = this.watches.add(names, listener);
    // Without listeners, the poller asks less often.
    if (first) this.poller.poll();
    return unwatch;
  }

  kept(name: string): Promise<KeptEvents> {
    return this.ask(name, () => keptIn(this.link, this.settings, name));
  }

  /** @internal */
  retain(prefix: string, retention: Retention): void {
    this.settings.retain(prefix, retention);
  }

  useLogger(logger: LineLogger): void {
    this.report.logger = logger;
  }

  /** Up if statements can be executed. Asking for it makes the log connect. */
  health(): LogHealth {
    if (this.closed) return { status: 'down', error: closed() };
    this.open();
    if (this.link.up) return { status: 'up' };
    return { status: 'down', error: this.notConnected() };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.settings.clock.cancel(this.deafTimer);
    this.poller.close();
    this.keeper.close();
    this.appender.close();
    this.transactions.close();
    this.link.close();
    this.firstAttempt.settle();
  }

  private open(): void {
    if (this.opened || this.closed) return;
    this.opened = true;
    this.link.open();
  }

  private notConnected(): SseError {
    return unavailable('PostgreSQL', 'The event log is not connected', this.link.error);
  }

  private linkEvents(): LinkEvents {
    return {
      prepare: async (query: Query) => {
        const { schema, createSchema, tables } = this.settings;
        await ensureSchema(query, schema, createSchema, tables);
        await this.state.open(query);
        return this.state.started;
      },
      up: () => {
        if (!this.firstAttempt.settled) this.keeper.start();
        this.firstAttempt.settle();
        this.report.up();
        this.watches.forgetSeen();
        this.appender.resume();
        // It also wakes all listeners: reads have failed meanwhile.
        this.poller.restart();
      },
      down: (error) => {
        this.firstAttempt.settle();
        this.report.down(error);
        this.appender.suspend(error);
      },
      notification: (payload) => {
        const channels = this.announcer.read(payload);
        if (channels) this.watches.wake(channels);
        else this.poller.poll();
      },
      listening: () => this.poller.poll(),
      deaf: (why) => {
        if (!this.link.up) return;
        this.deafTimer ??= this.settings.clock.schedule(() => this.warnIfDeaf(why), DEAF_GRACE_MS);
        this.poller.poll();
      },
    };
  }

  private warnIfDeaf(why: unknown): void {
    this.deafTimer = undefined;
    if (!this.link.up || this.link.isListening) return;
    this.report.warn(
      `The event log receives no notifications from ${this.link.listenAddress} (${reasonOf(why) ?? 'unknown reason'}). ` +
        `It asks for new events every ${this.settings.pollMs ?? DEAF_MS} ms until it does. ` +
        'With a pooler, give "listen" a direct connection, or false.',
    );
  }

  private positionIn(name: string, rows: Rows): LogPosition | undefined {
    const [[answer] = []] = rows;
    if (answer === null) return undefined;
    const { pos, token, ...facts } = JSON.parse(String(answer)) as {
      epoch: string;
      started: string;
      pos: number;
      token: number | null;
    };
    this.state.learn(facts);
    const place = placeOf(pos, token);
    if (place.token !== undefined) this.state.note(name, place);
    return this.state.position(place);
  }

  /** Sends a question about a channel to PostgreSQL. */
  private async ask<V>(name: string, question: () => Promise<V>): Promise<V> {
    await this.ready();
    for (;;) {
      try {
        const answer = await question();
        this.failedReads.succeeded();
        return answer;
      } catch (error) {
        if (this.closed) throw closed();
        const isRestart = error instanceof RestartedError;
        if (
          isRestart &&
          (await this.link.refresh().then(
            () => true,
            () => false,
          ))
        )
          continue;
        if (!isRestart && !isTransient(error))
          throw unavailable('PostgreSQL', 'The event log cannot be read', error);
        if (this.link.up) this.failedReads.add(name);
        throw unavailable('PostgreSQL', 'The event log cannot be read', isRestart ? this.link.error : error);
      }
    }
  }
}
