import { BadRequestException, HttpException, type ExecutionContext } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { decodeLastEventId, lastEventIdProblem } from './last-event-id.js';
import type { Slot } from '../limits/limits.js';
import { rawRequest } from '../connection/response.js';
import type { ResolvedLimit, ResolvedOptions } from '../options/sse.options.js';
import type { RoutedStream, StreamHost } from './stream-host.js';

/**
 * Where the client left off: the header, or on a first connect the query parameter if the route takes it.
 *
 * @throws {BadRequestException} if it is too long or has control characters.
 */
export function readLastEventId(request: object, options: ResolvedOptions): string | undefined {
  const header = rawRequest(request).headers['last-event-id'];
  const id =
    typeof header === 'string' && header !== '' ? decodeLastEventId(header) : fromQuery(request, options);
  if (id === undefined) return undefined;
  const problem = lastEventIdProblem(id, options.maxLastEventIdBytes);
  if (problem) throw new BadRequestException(`The Last-Event-ID cannot be read: ${problem}.`);
  return id;
}

function fromQuery(request: object, { lastEventIdQuery }: ResolvedOptions): string | undefined {
  if (!lastEventIdQuery) return undefined;
  const value = (request as { query?: Record<string, unknown> }).query?.['lastEventId'];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** What places are taken for. */
export interface Admitted extends RoutedStream {
  readonly host: StreamHost;
  readonly context: ExecutionContext;
}

/** The places of one request under the limits of its route; given back once, whatever becomes of it. */
export class Admission {
  private readonly held: Slot[] = [];
  private over = false;

  constructor(
    private readonly stream: Admitted,
    private readonly onReplaced: () => void,
  ) {}

  /**
   * Takes a place under each limit: at once, where the store answers at once. Gives the limit that has none left, if it is
   * the stream that says so.
   *
   * @throws {HttpException} if the limit that has none left answers with a status.
   */
  take(from = 0): ResolvedLimit | undefined | Promise<ResolvedLimit | undefined> {
    const { stream, onReplaced } = this;
    const { slots } = stream.host.connections;
    const { limits } = stream.route.options;
    for (let i = from; i < limits.length; i++) {
      const limit = limits[i] as ResolvedLimit;
      const key = slotKey(limit, stream);
      if (key === undefined) continue;
      const replaceOldest = limit.status === 'replace';
      const slot = slots.acquire({ key, max: limit.max, replaceOldest, onReplaced });
      if (slot && 'then' in slot) return slot.then((own) => this.keep(own, limit) ?? this.take(i + 1));
      const full = this.keep(slot, limit);
      if (full) return full;
    }
    return undefined;
  }

  /** Gives back what is held, and what is still on its way once it comes. */
  release(): void {
    this.over = true;
    for (const slot of this.held.splice(0)) slot.release();
  }

  private keep(slot: Slot | undefined, limit: ResolvedLimit): ResolvedLimit | undefined {
    if (!slot) return this.over ? limit : this.refuse(limit);
    if (this.over) slot.release();
    else this.held.push(slot);
    return undefined;
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

/** A limit counts within its route, or, if it is the module's, over all of them. */
function slotKey({ key, shared }: ResolvedLimit, stream: Admitted): string | undefined {
  const { route } = stream;
  if (key === 'process') return 'process';
  const scope = shared ? '' : route.name;
  if (key === 'route') return `route:${route.name}`;
  if (key === 'ip') return `ip:${scope}:${stream.context.switchToHttp().getRequest<{ ip?: string }>().ip}`;
  const own = key(stream.context);
  return own === undefined ? undefined : `key:${scope}:${own}`;
}

/** The HTTP error of a limit whose answer is a status. */
function limitException(limit: ResolvedLimit, statusCode: number): HttpException {
  const error = STATUS_CODES[statusCode] ?? 'Error';
  const message =
    limit.max === 1
      ? 'This stream is open already.'
      : `As many as ${limit.max} of these streams are open already.`;
  return new HttpException({ statusCode, error, message }, statusCode);
}
