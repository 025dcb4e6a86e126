import { Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { CLOSE_REASONS } from '../errors/close-reasons.js';
import { ErrorReports } from '../errors/error-reports.js';
import { immediate } from '../errors/guard.js';
import { attempt } from '../errors/legible.js';
import { isSseError } from '../errors/sse.errors.js';
import type { Channels } from '../channels/channels.js';
import type { SseConnection } from '../connection/sse-connection.js';
import type { SseConnections } from '../connection/sse-connections.js';
import type { LogPosition } from '../log/cursor.js';
import type { SlotUse } from '../limits/limits.js';
import { MemoryLog } from '../log/memory-log.js';
import type { Runs } from '../runs/runs.js';
import type { ChannelReport, ConnectionReport, LimitReport, NodeReport } from './inspector.events.js';
import type { SseInspectorOptions } from './inspector.options.js';

/** The channel in the log by which nodes find each other. It is not shown. */
export const INSPECTOR_CHANNEL = 'nestjs-event-stream:inspector';

// The most of each kind in one report, which must fit into one event of a log.
const MAX_CONNECTIONS = 300;
/** The most bytes of the connections, whose keys and users can be chosen by clients. JSON writes a control character as six bytes. */
const MAX_CONNECTION_BYTES = 90_000;
const MAX_CHANNELS = 60;
const MAX_RUNS = 100;
const MAX_LIMITS = 100;
const MAX_ROUTES = 50;
/** Characters of a text that the application or a client has chosen. */
const MAX_TEXT = 120;
const HASH_LENGTH = 16;
/** The most events of a channel that are counted for its rate, and their bytes. */
const COUNTED = { events: 500, bytes: 1_000_000 };

/** The log is asked this often for what it keeps of a channel. In PostgreSQL it has to count. */
const KEPT_EVERY_MS = 5000;

/** Collects the reports of this node. It keeps nothing while nobody looks. */
export class NodeReports {
  private readonly startedAt = Date.now() - Math.round(performance.now());
  /** The ends of the channels at the last report. */
  private ends = new Map<string, LogPosition>();
  /** The answers of the log to `kept()`, by channel, and their times. */
  private kept = new Map<string, { readonly at: number; readonly answer: ChannelReport['kept'] }>();

  private readonly logger = new ErrorReports(new Logger('SseInspectorModule'));
  /** The options that were reported. */
  private readonly reported = new Set<string>();

  constructor(
    readonly node: string,
    private readonly intervalMs: number,
    private readonly connections: SseConnections,
    private readonly channels: Channels,
    private readonly runs: Runs,
    private readonly options: SseInspectorOptions,
  ) {}

  async collect(): Promise<NodeReport> {
    const { node, startedAt, intervalMs, connections } = this;
    const open = connections.list();
    const total = (of: (connection: SseConnection) => number): number =>
      open.reduce((sum, connection) => sum + of(connection), 0);
    return {
      node,
      at: Date.now(),
      startedAt,
      intervalMs,
      totals: {
        connections: open.length,
        events: total(({ events }) => events),
        queuedBytes: total(({ queuedBytes }) => queuedBytes),
        maxQueuedBytes: connections.budget.maxBytes,
      },
      routes: [...connections.countBy(({ route }) => route)]
        .map(([route, count]) => ({ route: short(route), connections: count }))
        .sort((a, b) => b.connections - a.connections)
        .slice(0, MAX_ROUTES),
      connections: fitting(shown(open).map((connection) => this.connection(connection))),
      channels: await this.channelReports(),
      runs: this.runs.owned().slice(0, MAX_RUNS),
      limits: this.limitReports(),
      closes: [...connections.closes.lastHour()].map(([code, perMinute]) => ({
        code,
        reason: CLOSE_REASONS[code] ?? 'The stream is over.',
        perMinute,
      })),
      cutOffs: connections.closes.cutOffs().map((cut) => ({ ...cut, route: short(cut.route) })),
      log: this.logReport(),
    };
  }

  /** Begins again, so that the first rates are not those of the time in which nobody looked. */
  reset(): void {
    this.ends = new Map();
    this.kept = new Map();
  }

  /** The user of a connection, as the application names him. Two users never have the same name. */
  userOf({ request }: SseConnection): string | null {
    const user = this.ask<unknown>('user', () => this.options.user?.(request), undefined);
    return user === undefined || user === null || user === '' ? null : distinct(user);
  }

  /** The answer of a function of the application, or `otherwise` if it fails. One that is asynchronous is reported once. */
  private ask<T>(option: 'user' | 'key', call: () => T, otherwise: T): T {
    try {
      return immediate(call(), option);
    } catch (error) {
      if (isSseError(error, 'SSE_INVALID_OPTIONS') && !this.reported.has(option)) {
        this.reported.add(option);
        this.logger.warn(error.message);
      }
      return otherwise;
    }
  }

  private connection(connection: SseConnection): ConnectionReport {
    const { id, route, ip, openedAt, events, bytes, queuedBytes, dropped } = connection;
    const { key = parameters } = this.options;
    return {
      ...{ id, events, bytes, queuedBytes, dropped },
      route: short(route),
      key: short(this.ask('key', () => key(connection), '') ?? ''),
      user: this.userOf(connection),
      ip: short(ip ?? ''),
      openedAt: openedAt.getTime(),
    };
  }

  private async channelReports(): Promise<ChannelReport[]> {
    const { log } = this.channels;
    const ends = new Map<string, LogPosition>();
    const kept: typeof this.kept = new Map();
    const listed = this.channels
      .list()
      .filter(({ name }) => name !== INSPECTOR_CHANNEL)
      .sort((a, b) => b.size - a.size)
      .slice(0, MAX_CHANNELS);
    const reports = listed.map(async ({ name, size }): Promise<ChannelReport> => {
      const report = { name: short(name), subscribers: size, published: 0, more: false, kept: null };
      try {
        const after = this.ends.get(name);
        if (after === undefined) ends.set(name, await log.tail(name));
        const slice = after === undefined ? undefined : await log.read(name, after, COUNTED);
        // Counted from the end next time, even if the log had more than was counted.
        if (slice)
          ends.set(name, slice.more ? await log.tail(name) : (slice.entries.at(-1)?.position ?? slice.from));
        const published = slice?.entries.length ?? 0;
        const answered = this.kept.get(name);
        const isFresh = answered !== undefined && performance.now() - answered.at < KEPT_EVERY_MS;
        const answer = isFresh ? answered : await this.askKept(name);
        kept.set(name, answer);
        return { ...report, published, more: slice?.more ?? false, kept: answer.answer };
      } catch {
        // The health of the log is in the report.
        return report;
      }
    });
    const all = await Promise.all(reports);
    this.ends = ends;
    this.kept = kept;
    return all;
  }

  private async askKept(name: string): Promise<{ at: number; answer: ChannelReport['kept'] }> {
    const kept = await this.channels.log.kept?.(name);
    return { at: performance.now(), answer: kept ? { ...kept, oldestAt: kept.oldestAt ?? null } : null };
  }

  private limitReports(): LimitReport[] {
    const { local, slots } = this.connections;
    const shared = slots === local ? [] : (slots.use?.() ?? []);
    const report = (isShared: boolean) => (use: SlotUse) => ({
      ...use,
      key: short(use.key),
      shared: isShared,
    });
    return [...local.use().map(report(false)), ...shared.map(report(true))]
      .sort((a, b) => b.taken / b.max - a.taken / a.max)
      .slice(0, MAX_LIMITS);
  }

  private logReport(): NodeReport['log'] {
    const { status, error } = this.channels.health();
    const { log } = this.channels;
    const kind = log instanceof MemoryLog ? 'memory' : (log.constructor?.name ?? 'log').replace(/Log$/, '');
    return { kind, status, error: error === undefined ? null : short(text(error)) };
  }
}

/** The connections that a report names: those with the most bytes waiting, then the newest. */
function shown(open: SseConnection[]): SseConnection[] {
  if (open.length <= MAX_CONNECTIONS) return open;
  return open
    .toReversed()
    .sort((a, b) => b.queuedBytes - a.queuedBytes)
    .slice(0, MAX_CONNECTIONS);
}

/** The first reports, as many as fit. Without this bound, a client with long keys could hide all connections of its node. */
function fitting(reports: ConnectionReport[]): ConnectionReport[] {
  let bytes = 0;
  const end = reports.findIndex((report) => {
    bytes += Buffer.byteLength(JSON.stringify(report)) + 1;
    return bytes > MAX_CONNECTION_BYTES;
  });
  return end === -1 ? reports : reports.slice(0, end);
}

function parameters({ request }: SseConnection): string {
  const { params } = request as { params?: Record<string, unknown> };
  return Object.entries(params ?? {})
    .map(([name, value]) => `${name}=${text(value)}`)
    .join(' ');
}

function text(value: unknown): string {
  return value instanceof Error ? value.message : String(value);
}

function short(given: unknown): string {
  const whole = attempt(() => text(given), '');
  return whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT - 1)}…` : whole;
}

/**
 * As short as {@link short}, but different for different texts: the buttons end what has this name. It is well-formed, because the
 * page sends it back in a URL.
 */
function distinct(given: unknown): string {
  const whole = attempt(() => text(given), '');
  const isPlain = whole.length <= MAX_TEXT && wellFormed(whole) === whole && !HASHED.test(whole);
  if (isPlain) return whole;
  const hash = createHash('sha256').update(whole, 'utf16le').digest('base64url').slice(0, HASH_LENGTH);
  return `${wellFormed(whole.slice(0, MAX_TEXT - HASH_LENGTH - 1))}…${hash}`;
}

/** The end of a name that has a hash. A text of the application must not look like one. */
const HASHED = new RegExp(`…[\\w-]{${HASH_LENGTH}}$`);

/** A text as UTF-8 carries it, without lone surrogates. */
function wellFormed(given: string): string {
  return Buffer.from(given).toString();
}
