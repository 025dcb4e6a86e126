import { systemClock, type Clock } from '../time/clock.js';
import type { StreamConnection } from './connection.js';
import type { SseConnection } from './sse-connection.js';
import { immediate } from '../errors/guard.js';
import { CloseCounts } from './close-counts.js';
import { Slices } from '../time/slices.js';
import { CONNECTIONS_DEFAULTS } from './connections.options.js';
import { OverflowBudget } from './overflow-budget.js';
import { SlotTable, type SlotStore } from '../limits/limits.js';
import { SharedTimers } from '../time/shared-timers.js';

// The share of the shutdown time after which each step begins.
/** Until then a handler can send last events and return. After it, the stream is ended and only queued bytes are sent. */
const END_AFTER = 0.7;
/** After it, clients that have not read the rest are cut off. The remaining time is for the sockets to close. */
const CUT_AFTER = 0.9;

/**
 * The open streams of an application. Inject it to list, count and end them.
 *
 * @example
 * logout(userId: string) {
 *   this.connections.closeWhere<{ user?: { id: string } }>(({ request }) => request.user?.id === userId);
 * }
 */
export class SseConnections {
  /** By number. */
  private readonly open = new Map<number, StreamConnection>();
  private numbers = 0;
  private onEmpty: (() => void) | undefined;
  /** @internal */
  readonly timers: SharedTimers;
  /** @internal */
  readonly flushes: Slices<{ flush(): void }>;
  /** @internal */
  readonly budget: OverflowBudget;
  /** @internal The ends of streams in the last hour. */
  readonly closes: CloseCounts;
  /** @internal True from the moment the application begins to shut down. */
  closing = false;

  /** @internal Called with the request of each new connection, and its handler. The test kit adds to it. */
  readonly onOpen = new Set<(request: object, handler: object) => void>();

  /** @internal Counts the streams of this process, for limits with the key `'process'`. */
  readonly local = new SlotTable();
  /** @internal Counts the streams under all other limits. */
  readonly slots: SlotStore;

  constructor(
    clock: Clock = systemClock,
    slots?: SlotStore,
    maxQueuedBytes: number = CONNECTIONS_DEFAULTS.maxQueuedBytes,
  ) {
    this.slots = slots ?? this.local;
    this.timers = new SharedTimers(clock);
    this.flushes = new Slices(clock, (outlet) => outlet.flush());
    this.closes = new CloseCounts(clock);
    this.budget = new OverflowBudget(clock, maxQueuedBytes);
  }

  /** The open connections, oldest first. */
  list<Request extends object = object>(): SseConnection<Request>[] {
    // Only the application knows the type of its requests.
    return [...this.open.values()] as unknown as SseConnection<Request>[];
  }

  /**
   * The number of open connections, or of those for which `where` returns `true`.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if `where` returns a promise.
   */
  count<Request extends object = object>(where?: (connection: SseConnection<Request>) => boolean): number {
    if (!where) return this.open.size;
    return this.list<Request>().filter((connection) => immediate(where(connection), 'where')).length;
  }

  /**
   * Counts the open connections by the key that `keyOf` returns, such as the user, the `route` or the `ip`. Connections for
   * which it returns `undefined` are not counted.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if `keyOf` returns a promise.
   */
  countBy<Request extends object = object>(
    keyOf: (connection: SseConnection<Request>) => string | undefined,
  ): Map<string, number> {
    const counts = new Map<string, number>();
    for (const connection of this.list<Request>()) {
      const key = immediate(keyOf(connection), 'keyOf');
      if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  /** Ends the connection with this id. Returns `false` if it does not exist. The client may reconnect. */
  close(id: string): boolean {
    const connection = this.open.get(Number.parseInt(id, 36));
    if (connection?.id !== id) return false;
    connection.close();
    return true;
  }

  /**
   * Ends all connections for which `where` returns `true`, and returns their number.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if `where` returns a promise. No connection is ended then.
   * @throws {AggregateError} with the errors of connections that could not be ended, after all others were ended.
   */
  closeWhere<Request extends object = object>(
    where: (connection: SseConnection<Request>) => boolean,
  ): number {
    const matching = this.list<Request>().filter((connection) => immediate(where(connection), 'where'));
    forEachOf(matching, (connection) => connection.close());
    return matching.length;
  }

  /** @internal */
  nextNumber(): number {
    return ++this.numbers;
  }

  /** @internal */
  add(connection: StreamConnection): void {
    this.open.set(connection.number, connection);
  }

  /** @internal */
  delete(connection: StreamConnection): void {
    this.open.delete(connection.number);
    if (this.open.size === 0) this.onEmpty?.();
  }

  /**
   * @internal Ends every stream within `withinMs`. Handlers are notified first and can send last events. Then streams are
   * ended, and clients that have not read the rest are cut off.
   */
  async shutdown(withinMs: number, retryMs: number | false): Promise<void> {
    this.closing = true;
    if (this.open.size > 0) {
      const empty = new Promise<void>((resolve) => (this.onEmpty = resolve));
      const { clock } = this.timers;
      const end = clock.schedule(
        () => this.each((connection) => connection.end('SSE_SHUTDOWN')),
        withinMs * END_AFTER,
      );
      const cut = clock.schedule(
        () => this.each((connection) => connection.destroy('SSE_SHUTDOWN')),
        withinMs * CUT_AFTER,
      );
      // A response that never reports its end must not delay the shutdown.
      const forget = clock.schedule(() => this.forgetAll(), withinMs);
      this.each((connection) => connection.leave(retryMs === false ? undefined : jittered(retryMs)));
      await empty;
      clock.cancel(end);
      clock.cancel(cut);
      clock.cancel(forget);
    }
    this.timers.clear();
  }

  private forgetAll(): void {
    this.open.clear();
    this.onEmpty?.();
  }

  private each(action: (connection: StreamConnection) => void): void {
    forEachOf([...this.open.values()], action);
  }
}

/** Calls `action` with each connection. Errors are rethrown together after the last connection. */
function forEachOf<T>(connections: readonly T[], action: (connection: T) => void): void {
  const errors: unknown[] = [];
  for (const connection of connections) {
    try {
      action(connection);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 0) return;
  throw new AggregateError(
    errors,
    `${errors.length} of ${connections.length} connections could not be ended.`,
  );
}

/** A random delay, so that the clients of a node do not all reconnect at the same moment. */
function jittered(maxMs: number): number {
  return Math.round(maxMs * (0.2 + 0.8 * Math.random()));
}
