import { IncomingMessage, ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { HEAD, NOT_OF_A_STREAM, concernsHead, missingFields } from './stream-head.js';

/** The response of Node's http module, or of http2's compatibility layer. */
export type RawResponse = ServerResponse;

/** The part of a Fastify reply that we use. */
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

/** True if a response belongs to an HTTP/2 session. A mock may have no request or no version. */
export function isHttp2({ req }: RawResponse): boolean {
  return ((req as IncomingMessage | undefined)?.httpVersionMajor ?? 1) > 1;
}

// `instanceof` first: Express sets a prototype on each request and response, which disables V8's inline caches for them. A
// lookup of the missing property `raw` then walks the whole prototype chain each time, and `instanceof` is faster.

/** The Node response behind a framework's response. */
export function rawResponse(response: object): RawResponse {
  if (response instanceof ServerResponse) return response;
  return (response as { raw?: RawResponse }).raw ?? (response as RawResponse);
}

/** The Node request behind a framework's request. */
export function rawRequest(request: object): IncomingMessage {
  if (request instanceof IncomingMessage) return request;
  return (request as { raw?: IncomingMessage }).raw ?? (request as IncomingMessage);
}

/** The method and path pattern of a route, such as `GET /progress/:id`. */
export function routeOf(request: object): string {
  const { route, routeOptions } = request as { route?: { path?: unknown }; routeOptions?: { url?: string } };
  const { method, url } = rawRequest(request);
  return `${method} ${String(route?.path ?? routeOptions?.url ?? url)}`;
}

/** True if a handler has sent the response itself. Fastify's `sent` is set earlier than Node's, because hooks run in between. */
export function isAnswered(response: object): boolean {
  return rawResponse(response).headersSent || (response as { sent?: boolean }).sent === true;
}

/**
 * Completes the head of an event stream, and calls `ready` with the stream for the body. That happens immediately, or with
 * Fastify after its `onSend` hooks have run, which for example set cookies.
 *
 * @throws {Error} if Node would reject the head. Nothing was sent then, so the caller can send an HTTP error.
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
    // A compression hook would hold events back despite the response headers. It respects this request header.
    rawRequest(reply.request).headers['x-no-compression'] ??= 'event stream';
    for (const name of NOT_OF_A_STREAM) reply.removeHeader(name);
    reply.headers(missingFields((name) => reply.getHeader(name)));
    reply.send(new ReplyPayload(ready));
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

// Node checks the status only when it writes the head. That happens in a timer or after a hook, where an error could no longer
// become an HTTP error.
function checkStatus(raw: RawResponse): void {
  const { statusCode } = raw;
  if (!(statusCode >= 100 && statusCode <= 999)) {
    throw new RangeError(`The response has an invalid status: ${statusCode}. Use a number from 100 to 999.`);
  }
  // HTTP/2 has no status message, and Node warns if it is read.
  if (isHttp2(raw) || !INVALID_IN_MESSAGE.test(raw.statusMessage)) return;
  // Otherwise the response with the HTTP error would have the same message.
  raw.statusMessage = '';
  throw new TypeError('The status message of the response contains characters that HTTP does not allow.');
}

/** A character that a reason phrase must not contain (RFC 9112, 4). */
const INVALID_IN_MESSAGE = /[^\t\x20-\x7e\x80-\xff]/;

/** With Express, Node checks a header when it is set. Fastify stores it unchecked until it is written. */
function checkHeaders(reply: FastifyReplyLike): void {
  const headers = reply.getHeaders();
  for (const name in headers) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, String(headers[name]));
    } catch (error) {
      // Otherwise the response with the HTTP error would have the same header.
      reply.removeHeader(name);
      throw error;
    }
  }
}

function setHead(raw: RawResponse): void {
  // If no header is set, writeHead() uses this object directly. With setHeader() Node would keep a copy of each header while
  // the stream is open.
  const names = (raw as Partial<RawResponse>).getHeaderNames?.();
  if (names?.length === 0 && raw.writeHead === ServerResponse.prototype.writeHead) {
    raw.writeHead(raw.statusCode, HEAD);
    return;
  }
  // Express always sets a header of its own. Looking at the names is faster than asking its response for each header of a stream.
  const concerned = names?.some(concernsHead) ?? true;
  if (concerned) for (const name of NOT_OF_A_STREAM) raw.removeHeader(name);
  const missing = concerned ? missingFields((name) => raw.getHeader(name)) : HEAD;
  for (const name in missing) raw.setHeader(name, missing[name] as string);
}

/** After this idle time, TCP keep-alive checks whether the peer still exists. */
const PROBE_AFTER_MS = 30_000;

/**
 * Keeps the socket open while nothing is sent for up to `silentMs`. An HTTP/2 socket is left alone, because it belongs to all
 * streams of the session.
 */
export function keepOpen(raw: RawResponse, silentMs: number): void {
  if (isHttp2(raw)) return;
  // Fastify's inject() and serverless adapters have an incomplete mock instead of a socket.
  const socket = raw.socket as Partial<Socket> | null;
  socket?.setTimeout?.(0);
  // Detects a peer that has vanished. With a shorter heartbeat no probe would ever be sent, so the four system calls are saved.
  if (silentMs > PROBE_AFTER_MS) socket?.setKeepAlive?.(true, PROBE_AFTER_MS);
}

// Fastify stores the hooks of a route under a symbol. If the symbol is not found, hooks are assumed: reply.send() is correct
// with and without hooks, and hijacking is only cheaper.
function hasSendHooks(reply: FastifyReplyLike): boolean {
  const { request } = reply;
  for (const symbol of Object.getOwnPropertySymbols(request)) {
    if (symbol.description !== 'fastify.context') continue;
    const context = (request as Record<symbol, { onSend?: unknown[] | null } | undefined>)[symbol];
    return context?.onSend !== null;
  }
  return true;
}

/**
 * A payload for `reply.send()`. It is a `Readable`, because Fastify runs the `onSend` hooks and then pipes a readable payload
 * to the response. It has no data itself, but passes the stream to which it is piped to `ready`.
 */
export class ReplyPayload extends Readable {
  constructor(private readonly ready: (body: Writable) => void) {
    super({ read: () => undefined });
  }

  override pipe<T extends NodeJS.WritableStream>(body: T): T {
    // Fastify waits for the end of the payload. If the body finished before it, Fastify would treat that as an error.
    body.once('finish', () => {
      this.push(null);
      this.resume();
    });
    this.ready(body as unknown as Writable);
    return body;
  }
}
