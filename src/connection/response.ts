import { IncomingMessage, ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { HEAD, NOT_OF_A_STREAM, missingFields } from './stream-head.js';

/** The response of Node's http module, or of http2's compatibility layer. */
export type RawResponse = ServerResponse;

/** What is used of a Fastify reply. */
interface FastifyReplyLike {
  raw: RawResponse;
  request: object;
  getHeaders(): Record<string, number | string | string[] | undefined>;
  headers(values: Record<string, string>): unknown;
  getHeader(name: string): number | string | string[] | undefined;
  removeHeader(name: string): unknown;
  hijack(): unknown;
  send(payload: unknown): unknown;
}

/** Whether a response belongs to an HTTP/2 session. A mock may have no request, and no version. */
export function isHttp2({ req }: RawResponse): boolean {
  return ((req as IncomingMessage | undefined)?.httpVersionMajor ?? 1) > 1;
}

// Express gives each request and response a prototype of its application's, and V8 then knows none of them from another
// one: a property that is not there is looked for through all prototypes each time, which `instanceof` does faster.

/** The response of Node behind a framework's. */
export function rawResponse(response: object): RawResponse {
  if (response instanceof ServerResponse) return response;
  return (response as { raw?: RawResponse }).raw ?? (response as RawResponse);
}

/** The request of Node behind a framework's. */
export function rawRequest(request: object): IncomingMessage {
  if (request instanceof IncomingMessage) return request;
  return (request as { raw?: IncomingMessage }).raw ?? (request as IncomingMessage);
}

/** Method and path pattern, as Express or Fastify knows them. */
export function routeOf(request: object): string {
  const { route, routeOptions } = request as { route?: { path?: unknown }; routeOptions?: { url?: string } };
  const { method, url } = rawRequest(request);
  return `${method} ${String(route?.path ?? routeOptions?.url ?? url)}`;
}

/** Whether a handler has answered by itself. Fastify knows before Node does: its hooks come in between. */
export function isAnswered(response: object): boolean {
  return rawResponse(response).headersSent || (response as { sent?: boolean }).sent === true;
}

/**
 * Completes the head of an event stream on a response, and hands over what the body is
 * written to: at once, or where Fastify has `onSend` hooks (cookies come from one), after they ran.
 *
 * @throws {Error} for a head that Node does not take, before any of it is sent: an HTTP error can be.
 */
export function openResponse(response: object, ready: (body: Writable) => void): void {
  const raw = rawResponse(response);
  if (raw.headersSent) return ready(raw);
  checkStatus(raw);
  if (response === raw) {
    setHead(raw);
    return ready(raw);
  }
  const reply = response as FastifyReplyLike;
  checkHeaders(reply);
  if (hasSendHooks(reply)) {
    // The word of a client that wants no compression: a compressing hook would hold events back, whatever the head says.
    rawRequest(reply.request).headers['x-no-compression'] ??= 'event stream';
    for (const name of NOT_OF_A_STREAM) reply.removeHeader(name);
    reply.headers(missingFields((name) => reply.getHeader(name)));
    reply.send(new HandedOver(ready));
    return;
  }
  const headers = reply.getHeaders();
  reply.hijack();
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) raw.setHeader(name, value);
  }
  setHead(raw);
  ready(raw);
}

// Node looks at the status when it writes it, in a timer or behind a hook, where nobody could answer any more.
function checkStatus(raw: RawResponse): void {
  const { statusCode } = raw;
  if (!(statusCode >= 100 && statusCode <= 999)) {
    throw new RangeError(`The response has the status ${statusCode}, which is none.`);
  }
  // HTTP/2 has no such message, and warns of being asked for it.
  if (isHttp2(raw) || !NOT_A_MESSAGE.test(raw.statusMessage)) return;
  // It would be in the way of the answer that says so.
  raw.statusMessage = '';
  throw new TypeError('The status message of the response has characters that a head cannot carry.');
}

/** What a reason phrase has none of (RFC 9112, 4). */
const NOT_A_MESSAGE = /[^\t\x20-\x7e\x80-\xff]/;

/** Express leaves this to Node when a header is set, Fastify to Node when it is written. */
function checkHeaders(reply: FastifyReplyLike): void {
  const headers = reply.getHeaders();
  for (const name in headers) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, String(headers[name]));
    } catch (error) {
      // It would be in the way of the answer that says so.
      reply.removeHeader(name);
      throw error;
    }
  }
}

function setHead(raw: RawResponse): void {
  // With no header set, Node takes them as they are; otherwise it would keep a copy of each for as long as the stream is open.
  if (raw.writeHead === ServerResponse.prototype.writeHead && raw.getHeaderNames().length === 0) {
    raw.writeHead(raw.statusCode, HEAD);
    return;
  }
  for (const name of NOT_OF_A_STREAM) raw.removeHeader(name);
  const missing = missingFields((name) => raw.getHeader(name));
  for (const name in missing) raw.setHeader(name, missing[name] as string);
}

/** A peer that has been silent for so long is asked whether it is still there. */
const PROBE_AFTER_MS = 30_000;

/**
 * Has the socket stay open while nothing is sent for up to `silentMs`. Under HTTP/2 it belongs to all streams of the
 * session, and its settings are not ours.
 */
export function keepOpen(raw: RawResponse, silentMs: number): void {
  if (isHttp2(raw)) return;
  // What stands for a socket where there is none, as in Fastify's inject(), has less than one.
  const socket = raw.socket as Partial<Socket> | null;
  socket?.setTimeout?.(0);
  // Finds a peer that has vanished without a word. Where something is sent earlier, no probe ever is; and it is four
  // system calls.
  if (silentMs > PROBE_AFTER_MS) socket?.setKeepAlive?.(true, PROBE_AFTER_MS);
}

// Fastify keeps a route's hooks under a symbol of its own. Where it is not found, the hooks are assumed: reply.send()
// is right in any case, and hijacking is what is cheaper.
function hasSendHooks(reply: FastifyReplyLike): boolean {
  const { request } = reply;
  for (const symbol of Object.getOwnPropertySymbols(request)) {
    if (symbol.description !== 'fastify.context') continue;
    const context = (request as Record<symbol, { onSend?: unknown[] | null } | undefined>)[symbol];
    return context?.onSend !== null;
  }
  return true;
}

/** A payload for `reply.send()` that gives the stream it is piped to away, and has no data itself. */
export class HandedOver extends Readable {
  constructor(private readonly ready: (body: Writable) => void) {
    super({ read: () => undefined });
  }

  override pipe<T extends NodeJS.WritableStream>(body: T): T {
    // Fastify waits for the end of what it was given; a body that ends early would be cut off as an error.
    body.once('finish', () => {
      this.push(null);
      this.resume();
    });
    this.ready(body as unknown as Writable);
    return body;
  }
}
