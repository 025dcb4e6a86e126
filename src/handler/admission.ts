import { BadRequestException, HttpException, type ExecutionContext } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import type { SseConnections } from '../connection/sse-connections.js';
import { decodeLastEventId, lastEventIdProblem } from '../connection/last-event-id.js';
import type { Slot } from '../connection/limits.js';
import { rawRequest } from '../connection/response.js';
import type { ResolvedLimit, ResolvedOptions } from '../options/sse.options.js';
import type { SseRoute } from './sse-routes.js';

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

/** A limit that has no place left. */
export class LimitReached {
  constructor(readonly limit: ResolvedLimit) {}
}

/** A place under each of a route's limits, or the first limit that has none; then no place is kept. */
export function takeSlots(
  route: SseRoute,
  context: ExecutionContext,
  connections: SseConnections,
  onReplaced: () => void,
): Slot[] | LimitReached {
  const slots: Slot[] = [];
  try {
    for (const limit of route.options.limits) {
      const key = slotKey(limit, route, context);
      if (key === undefined) continue;
      const slot = connections.slots.acquire(key, limit.max, onReplaced, limit.status === 'replace');
      if (!slot) {
        for (const taken of slots) taken.release();
        return new LimitReached(limit);
      }
      slots.push(slot);
    }
  } catch (error) {
    for (const taken of slots) taken.release();
    throw error;
  }
  return slots;
}

/** A limit counts within its route, or, if it is the module's, over all of them. */
function slotKey(
  { key, shared }: ResolvedLimit,
  route: SseRoute,
  context: ExecutionContext,
): string | undefined {
  if (key === 'process') return 'process';
  const scope = shared ? '' : route.name;
  if (key === 'route') return `route:${route.name}`;
  if (key === 'ip') return `ip:${scope}:${context.switchToHttp().getRequest<{ ip?: string }>().ip}`;
  const own = key(context);
  return own === undefined ? undefined : `key:${scope}:${own}`;
}

/** The HTTP error of a limit whose answer is a status. */
export function limitException(limit: ResolvedLimit, statusCode: number): HttpException {
  const error = STATUS_CODES[statusCode] ?? 'Error';
  const message =
    limit.max === 1
      ? 'This stream is open already.'
      : `As many as ${limit.max} of these streams are open already.`;
  return new HttpException({ statusCode, error, message }, statusCode);
}
