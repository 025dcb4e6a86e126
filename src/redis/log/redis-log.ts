import type {
  Awaitable,
  EventLog,
  LineLogger,
  LogHealth,
  LogListener,
  LogSlice,
  ReadLimit,
} from '../../log/event-log.js';
import type { LogPosition } from '../../log/cursor.js';
import type { LogRecord } from '../../log/log-record.js';
import { ChannelReader } from './channel-reader.js';
import { ChannelState } from './channel-state.js';
import { createLink } from '../link/connect.js';
import { FirstAttempt } from '../link/first-attempt.js';
import { HealthReport } from './health-report.js';
import { KnownHistory } from './history.js';
import { LOCATE_SCRIPT } from './locate.script.js';
import { Publisher, checkSizes } from './publisher.js';
import { closed, isTransient, unavailable } from '../link/redis-errors.js';
import { RedisKeys } from '../link/redis-keys.js';
import { backOffMs, type LinkEvents, type RedisLink } from '../link/redis-link.js';
import { resolveRedisLogOptions, type RedisLogOptions, type RedisLogSettings } from './redis-log.options.js';
import { runScript } from '../link/redis-script.js';
import { RedisWatches } from './redis-watches.js';
import { formatPosition, parseEntryId } from './place.js';
import { Subscriptions } from '../link/subscriptions.js';
import { WatchSweep } from './watch-sweep.js';

/**
 * An event log on Redis Streams, shared by all processes that use the same Redis and prefix. It connects when it is first
 * used.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * SseModule.forRoot({ log: redisLog({ client: 'redis://localhost:6379', maxAgeMs: 3_600_000 }) })
 */
export function redisLog(options: RedisLogOptions): RedisLog {
  return new RedisLog(options, resolveRedisLogOptions(options));
}

/**
 * The log that {@link redisLog} makes.
 *
 * Appends are announced by pub/sub, which carries small entries along; whoever is behind reads the stream. One blocking
 * `XREAD` over all streams would do without announcements, but each event costs it a look at all of them: with 10,000,
 * Redis worked 2.5 ms for each event and each process, against 6 µs.
 */
export class RedisLog implements EventLog {
  private readonly history = new KnownHistory();
  private readonly link: RedisLink;
  private readonly keys: RedisKeys;
  private readonly state: ChannelState;
  private readonly reader: ChannelReader;
  private readonly publisher: Publisher;
  private readonly watches: RedisWatches;
  private readonly subscriptions: Subscriptions;
  private readonly sweep: WatchSweep;
  /** Channels that could not be read although the link seemed to be up. */
  private readonly stumbled = new Set<string>();
  private stumbles = 0;
  private opened = false;
  private closed = false;
  private readonly attempt = new FirstAttempt();
  private readonly report: HealthReport;

  /** @internal See {@link redisLog}. */
  constructor(
    { client }: Pick<RedisLogOptions, 'client'>,
    private readonly settings: RedisLogSettings,
  ) {
    const { clock, pingMs } = settings;
    this.report = new HealthReport(
      () => this.link.address,
      () => clock.now(),
    );
    const keys = (this.keys = new RedisKeys(settings.prefix));
    const link = (this.link = createLink(client, this.linkEvents(), clock, pingMs));
    const { history } = this;
    const state = (this.state = new ChannelState(link, keys, settings, history));
    this.reader = new ChannelReader(link, keys, state, history);
    this.publisher = new Publisher(link, keys, settings, state, history, (name, problem) => {
      this.report.refused(name, problem);
      // It may have been the announcement.
      this.watches.wake([name]);
    });
    this.subscriptions = new Subscriptions(link, clock, (notices) =>
      this.watches.wake(notices.map((notice) => keys.channelOf(notice))),
    );
    this.watches = new RedisWatches(
      history,
      (name) => this.subscriptions.want(keys.notice(name)),
      (name) => this.subscriptions.unwant(keys.notice(name)),
    );
    const sweepMs = Math.min(link.sweepMs, (settings.forgetMs || Infinity) / 3);
    this.sweep = new WatchSweep(link, keys, state, history, this.watches, clock, sweepMs);
  }

  /**
   * Resolves when Redis was reached.
   *
   * @throws {SseError} `SSE_LOG_UNAVAILABLE` if it is away; attempts go on.
   */
  async ready(): Promise<void> {
    this.open();
    if (!this.link.up) await this.attempt.wait();
    if (this.closed) throw closed();
    if (!this.link.up) throw unavailable('The event log is not connected', this.link.error);
  }

  append(name: string, records: readonly LogRecord[]): Awaitable<readonly LogPosition[]> {
    if (this.closed) throw closed();
    checkSizes(name, records, this.settings.bounds(name).maxEventBytes);
    if (records.length === 0) return [];
    this.open();
    // Who does not wait for a Redis that is away waits to know whether it is.
    if (this.settings.waitMs !== false || this.attempt.over) return this.publisher.append(name, records);
    return this.attempt.wait().then(() => this.append(name, records));
  }

  read(name: string, after: LogPosition | undefined, limit: ReadLimit): Awaitable<LogSlice> {
    const fresh = after === undefined ? undefined : this.watches.fresh(name, after, limit);
    return fresh ?? this.ask(name, () => this.readFrom(name, after, limit));
  }

  tail(name: string): Promise<LogPosition> {
    return this.ask(name, () => this.state.tail(name));
  }

  locate(name: string, id: string): Promise<LogPosition | undefined> {
    return this.ask(name, async () => {
      const names = [this.keys.log(name), this.keys.meta(name)] as const;
      const [epoch, place] = ((await runScript(this.link, LOCATE_SCRIPT, names, [id])) ?? []) as string[];
      return epoch && place ? formatPosition(epoch, parseEntryId(place)) : undefined;
    });
  }

  watch(names: readonly string[], listener: LogListener): () => void {
    if (this.closed) throw closed();
    this.open();
    this.sweep.start();
    return this.watches.add(names, listener);
  }

  /** @internal */
  useLogger(logger: LineLogger): void {
    this.report.logger = logger;
  }

  /** Up while it is connected, for commands and for announcements. Asking for it makes it connect. */
  health(): LogHealth {
    if (this.closed) return { status: 'down', error: closed() };
    this.open();
    const { up, error } = this.link;
    if (up && error === undefined) return { status: 'up' };
    return { status: 'down', error: unavailable('The event log is not connected', error) };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.sweep.stop();
    if (this.opened) this.link.close();
    this.publisher.close();
    this.attempt.end();
  }

  private open(): void {
    if (this.opened || this.closed) return;
    this.opened = true;
    this.link.open();
  }

  private linkEvents(): LinkEvents {
    return {
      up: () => {
        this.attempt.end();
        if (this.closed) return;
        this.report.up();
        this.publisher.resume();
        this.subscriptions.resume();
        // Whatever was announced meanwhile went unheard, and reads have failed.
        this.watches.wake(this.watches.names());
      },
      down: (error) => {
        this.attempt.end();
        this.report.down(error);
      },
      message: (channel, text) => this.watches.hear(this.keys.channelOf(channel), text),
    };
  }

  private async readFrom(name: string, after: LogPosition | undefined, limit: ReadLimit): Promise<LogSlice> {
    const slice = await this.reader.read(name, after, limit);
    const last = slice.entries[slice.entries.length - 1]?.position ?? slice.from;
    // What was announced while the answer was on its way is announced again, after this end.
    if (!slice.more && this.history.isBeyond(name, last)) this.watches.wake([name]);
    return slice;
  }

  /** Asks Redis about a channel. */
  private async ask<V>(name: string, question: () => Promise<V>): Promise<V> {
    await this.ready();
    try {
      const answer = await question();
      this.stumbles = 0;
      return answer;
    } catch (error) {
      if (this.closed) throw closed();
      if (!isTransient(error)) throw error;
      this.askAgainLater(name);
      throw unavailable('The event log cannot be read now', error);
    }
  }

  /** Who waits for a listener after a failure is woken when the link comes up; if it is, nothing else would do it. */
  private askAgainLater(name: string): void {
    if (!this.link.up) return;
    if (this.stumbled.size === 0) {
      const retry = (): void => {
        const names = [...this.stumbled];
        this.stumbled.clear();
        this.watches.wake(names);
      };
      this.settings.clock.schedule(retry, backOffMs(this.stumbles++));
    }
    this.stumbled.add(name);
  }
}
