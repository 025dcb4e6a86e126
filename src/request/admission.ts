import { HttpException, type ExecutionContext } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { guard, immediate } from '../errors/guard.js';
import type { Slot, SlotAnswer, SlotRequest, SlotStore } from '../limits/limits.js';
import type { ResolvedLimit } from '../limits/limit.options.js';
import type { RoutedStream, StreamHost } from './stream-host.js';

/** The stream that places are taken for. */
export interface Admitted extends RoutedStream {
  readonly host: StreamHost;
  readonly context: ExecutionContext;
  /** Logs what the store throws. */
  readonly troubles: { onTeardownError(error: unknown): void };
}

/** A limit that applies to this request, and the request for its place. */
interface Counted {
  readonly limit: ResolvedLimit;
  readonly request: SlotRequest;
}

/**
 * The places of one request under the limits of its route, released once.
 *
 * A request that is refused has no effect. So the limits that can refuse it are asked together, by `take()`, before the
 * pipes run. Those that evict another stream never refuse, and are asked by `makeRoom()`, immediately before the handler
 * runs: no guard, pipe or limit can refuse the request after that.
 */
export class Admission {
  private held: Slot[] = [];
  private evicting: Counted[] = [];
  private over = false;

  constructor(
    private readonly stream: Admitted,
    private readonly onReplaced: () => void,
  ) {}

  /**
   * Takes a place under each limit that can refuse the request. Returns the limit that has none left, if its answer is
   * `'retry'`.
   *
   * @throws {HttpException} if the answer of that limit is a status.
   */
  take(): ResolvedLimit | undefined | Promise<ResolvedLimit | undefined> {
    const all = this.counted();
    this.evicting = all.filter(({ request }) => request.replaceOldest);
    return this.acquire(all.filter(({ request }) => !request.replaceOldest));
  }

  /**
   * Takes a place under each limit that evicts the oldest stream. Returns what to call then: the handler, or a function
   * that throws the error of the store.
   */
  makeRoom(handler: () => unknown): (() => unknown) | Promise<() => unknown> {
    const { evicting } = this;
    if (evicting.length === 0) return handler;
    // A decorator may call the handler more than once.
    this.evicting = [];
    try {
      const asked = this.acquire(evicting);
      return asked && 'then' in asked ? asked.then(() => handler, thrower) : handler;
    } catch (error) {
      return thrower(error);
    }
  }

  /** Releases all places, also those that the store has not answered yet. */
  release(): void {
    this.over = true;
    this.evicting = [];
    this.releaseHeld();
  }

  private counted(): Counted[] {
    const { stream, onReplaced } = this;
    const counted: Counted[] = [];
    for (const limit of stream.route.options.limits) {
      const key = slotKey(limit, stream);
      if (key === undefined) continue;
      const replaceOldest = limit.status === 'replace';
      counted.push({ limit, request: { key, max: limit.max, replaceOldest, onReplaced } });
    }
    return counted;
  }

  private acquire(all: readonly Counted[]): ResolvedLimit | undefined | Promise<ResolvedLimit | undefined> {
    const { local, slots } = this.stream.host.connections;
    const ofProcess = all.filter(({ limit }) => limit.key === 'process');
    const shared = all.filter(({ limit }) => limit.key !== 'process');
    return this.acquireFrom(local, ofProcess) ?? this.acquireFrom(slots, shared);
  }

  private acquireFrom(
    store: SlotStore,
    counted: readonly Counted[],
  ): ResolvedLimit | undefined | Promise<ResolvedLimit | undefined> {
    if (counted.length === 0) return undefined;
    const answer = store.acquire(counted.map(({ request }) => request));
    return 'then' in answer
      ? answer.then((settled) => this.settle(settled, counted))
      : this.settle(answer, counted);
  }

  private settle(answer: SlotAnswer, counted: readonly Counted[]): ResolvedLimit | undefined {
    if ('slot' in answer) {
      this.held.push(answer.slot);
      if (this.over) this.releaseHeld();
      return undefined;
    }
    const refusing = counted.find(({ request }) => request === answer.full) ?? counted[0];
    if (!refusing || this.over) return refusing?.limit;
    // Places of the process are held already if another limit refuses.
    this.releaseHeld();
    return this.refuse(refusing.limit);
  }

  /** The store may belong to the application: a release that fails must not keep the other places. */
  private releaseHeld(): void {
    const { troubles } = this.stream;
    for (const slot of this.held.splice(0)) {
      guard(
        () => slot.release(),
        (error) => troubles.onTeardownError(error),
      );
    }
  }

  private refuse(limit: ResolvedLimit): ResolvedLimit {
    if (limit.status === 'retry') return limit;
    const status = typeof limit.status === 'number' ? limit.status : 429;
    const { host, connection } = this.stream;
    if (status === 429 || status === 503) {
      host.setHeader(connection.response, 'Retry-After', String(Math.ceil(limit.retryMs / 1000)));
    }
    throw limitException(limit, status);
  }
}

/**
 * The key that a limit counts. No two limits share one: it names the route and the limit. A limit of the module counts over
 * all routes, so it names none. The part that the application supplies comes last, because it can contain any text.
 */
function slotKey(limit: ResolvedLimit, { route, context }: Admitted): string | undefined {
  const { key, shared, name } = limit;
  const place = `${shared ? '' : route.id}:${name}`;
  if (key === 'process' || key === 'route') {
    return key === 'route' && shared ? `${place}:route:${route.id}` : `${place}:${key}`;
  }
  if (key === 'ip') return `${place}:ip:${context.switchToHttp().getRequest<{ ip?: string }>().ip}`;
  const own = immediate(key(context), 'key');
  return own === undefined ? undefined : `${place}:key:${own}`;
}

/** Replaces a handler by a function that throws, so that an error of the store is handled like one of the handler. */
function thrower(error: unknown): () => never {
  return () => {
    throw error;
  };
}

/** The HTTP error of a limit whose answer is a status. */
function limitException(limit: ResolvedLimit, statusCode: number): HttpException {
  const error = STATUS_CODES[statusCode] ?? 'Error';
  const message =
    limit.max === 1 ? 'This stream is already open.' : `Too many open streams: the limit is ${limit.max}.`;
  return new HttpException({ statusCode, error, message }, statusCode);
}
