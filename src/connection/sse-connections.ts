import { systemClock, type Clock } from '../time/clock.js';
import type { StreamConnection } from './connection.js';
import type { SseConnection } from './sse-connection.js';
import { immediate } from '../errors/guard.js';
import { Flushes } from './flushes.js';
import { CONNECTIONS_DEFAULTS } from './connections.options.js';
import { OverflowBudget } from './overflow-budget.js';
import { SlotTable, type SlotStore } from '../limits/limits.js';
import { SharedTimers } from '../time/shared-timers.js';

/** Handlers that were told to go have this part of the shutdown's time to do so; the rest is for the last bytes. */
const GRACE = 0.7;
/** The others are cut off by then, so that all of it is over within the time that was given. */
const CUT = 0.9;

/**
 * The open streams of an application: inject it to see them, and to end those that may no longer stay.
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
  private emptied: (() => void) | undefined;
  /** @internal */
  readonly timers: SharedTimers;
  /** @internal */
  readonly flushes: Flushes;
  /** @internal */
  readonly budget: OverflowBudget;
  /** @internal True from the moment the application begins to shut down. */
  closing = false;

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
    this.flushes = new Flushes(clock);
    this.budget = new OverflowBudget(clock, maxQueuedBytes);
  }

  /** The open connections, oldest first. */
  list<Request extends object = object>(): SseConnection<Request>[] {
    // What the request is, the application knows.
    return [...this.open.values()] as unknown as SseConnection<Request>[];
  }

  /** How many connections are open, of all or of those for which `where` holds. */
  count<Request extends object = object>(where?: (connection: SseConnection<Request>) => boolean): number {
    return where ? this.list<Request>().filter(where).length : this.open.size;
  }

  /**
   * How many connections are open under each key, which `keyOf` makes of a connection: its user, its `route`, its `ip`.
   * One without a key is not counted.
   */
  countBy<Request extends object = object>(
    keyOf: (connection: SseConnection<Request>) => string | undefined,
  ): Map<string, number> {
    const counts = new Map<string, number>();
    for (const connection of this.list<Request>()) {
      const key = keyOf(connection);
      if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  /** Ends the connection of that id; `false` if there is none. Its client may reconnect. */
  close(id: string): boolean {
    const connection = this.open.get(Number.parseInt(id, 36));
    if (connection?.id !== id) return false;
    connection.close();
    return true;
  }

  /**
   * Ends all connections for which `where` holds, and returns how many. If one of them cannot be ended, the others are
   * ended nevertheless.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if `where` returns a promise. Nothing is ended then.
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
    if (this.open.size === 0) this.emptied?.();
  }

  /**
   * @internal Ends every stream within `withinMs`: handlers are told first, what they still say is sent, and whoever
   * has not gone by then is cut off.
   */
  async shutdown(withinMs: number, retryMs: number | false): Promise<void> {
    this.closing = true;
    if (this.open.size > 0) {
      const empty = new Promise<void>((resolve) => (this.emptied = resolve));
      const { clock } = this.timers;
      const end = clock.schedule(
        () => this.each((connection) => connection.end('SSE_SHUTDOWN')),
        withinMs * GRACE,
      );
      const cut = clock.schedule(
        () => this.each((connection) => connection.destroy('SSE_SHUTDOWN')),
        withinMs * CUT,
      );
      // A response that never reports its end holds up nobody: all of it is over within the time.
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
    this.emptied?.();
  }

  private each(tell: (connection: StreamConnection) => void): void {
    forEachOf([...this.open.values()], tell);
  }
}

/** Calls `tell` with each connection. An error that it throws for one is rethrown after the last connection. */
function forEachOf<T>(connections: readonly T[], tell: (connection: T) => void): void {
  const errors: unknown[] = [];
  for (const connection of connections) {
    try {
      tell(connection);
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

/** Clients of one node do not come back as one wave. */
function jittered(maxMs: number): number {
  return Math.round(maxMs * (0.2 + 0.8 * Math.random()));
}
