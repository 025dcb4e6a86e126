import { checkOptions, refused } from '../checking/option-check.js';
import type { SseError } from '../errors/sse.errors.js';
import { DEFAULT_MAX_EVENT_LENGTH, DEFAULT_RETRY, SYSTEM_CLOCK } from './client.options.js';
import type { ClientClock, ConnectOptions, FetchLike, RetryNotice, RetryOptions } from './client.options.js';
import { CONNECT_TABLE } from './option-table.js';
import { encodeBody, type EncodedBody } from './request-body.js';

/** Where messages say that an option was given. */
const WHERE = 'connect()';

/** Checked options, with their defaults. */
export interface ResolvedConnectOptions extends EncodedBody {
  url: string;
  /** Method and address as messages name them: no query, which may hold a secret. */
  request: string;
  method: string;
  headers: NonNullable<ConnectOptions['headers']>;
  events: ReadonlySet<string> | undefined;
  after: string;
  retry: Required<RetryOptions>;
  retries: boolean;
  reconnectAfterEnd: boolean;
  inactivityMs: number | false;
  maxEventLength: number;
  signal: AbortSignal | undefined;
  onRetry: ((notice: RetryNotice) => void) | undefined;
  credentials: ConnectOptions['credentials'];
  fetch: FetchLike;
  clock: ClientClock;
  random: () => number;
}

/** Checks the options and fills in the defaults. @throws {SseError} `SSE_INVALID_OPTIONS`, `SSE_NOT_SERIALIZABLE` */
export function resolveConnectOptions<Map extends object>(
  url: string | URL,
  options: ConnectOptions<Map>,
): ResolvedConnectOptions {
  checkOptions(WHERE, options, CONNECT_TABLE);
  const body = encodeBody(options.body);
  const method = (options.method ?? (body.body === undefined ? 'GET' : 'POST')).toUpperCase();
  const address = String(url);
  const { events, after = '', retry = {}, inactivityMs = false } = options;
  checkRequest(address, method, body.body !== undefined, options.fetch === undefined);
  return {
    ...body,
    url: address,
    request: `${method} ${address.split(/[?#]/, 1)[0]}`,
    method,
    headers: options.headers ?? {},
    events: events && new Set<string>(events),
    after,
    retry: resolveRetry(retry === false ? { maxAttempts: 1 } : retry),
    retries: retry !== false,
    reconnectAfterEnd: options.reconnectAfterEnd ?? method === 'GET',
    inactivityMs,
    maxEventLength: options.maxEventLength ?? DEFAULT_MAX_EVENT_LENGTH,
    signal: options.signal,
    onRetry: options.onRetry,
    credentials: options.credentials,
    // Called as a function of the global object, which browsers insist on.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? SYSTEM_CLOCK,
    random: options.random ?? Math.random,
  };
}

function resolveRetry(given: RetryOptions): Required<RetryOptions> {
  const initialMs = given.initialMs ?? DEFAULT_RETRY.initialMs;
  const maxMs = given.maxMs ?? Math.max(initialMs, DEFAULT_RETRY.maxMs);
  const minMs = given.minMs ?? Math.min(initialMs, DEFAULT_RETRY.minMs);
  const maxServerMs = given.maxServerMs ?? Math.max(maxMs, DEFAULT_RETRY.maxServerMs);
  const { factor, jitter, maxAttempts } = { ...DEFAULT_RETRY, ...defined(given) };
  checkOrder('minMs', minMs, 'initialMs', initialMs);
  checkOrder('initialMs', initialMs, 'maxMs', maxMs);
  checkOrder('minMs', minMs, 'maxServerMs', maxServerMs);
  return { initialMs, minMs, maxMs, maxServerMs, factor, jitter, maxAttempts };
}

/** An option that is given as `undefined` has its default. */
function defined(given: RetryOptions): RetryOptions {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function checkOrder(name: keyof RetryOptions, value: number, other: keyof RetryOptions, most: number): void {
  if (value <= most) return;
  throw invalid(
    `retry.${name}`,
    value,
    `It is more than "retry.${other}", ${most}. Lower it, or raise "retry.${other}".`,
  );
}

// fetch reports a request that it can never send with the same TypeError as a network failure, which is retried.
// Such requests are therefore rejected here.
function checkRequest(url: string, method: string, hasBody: boolean, ownFetch: boolean): void {
  try {
    new Request('http://localhost/', { method });
  } catch {
    throw invalid('method', method, 'fetch does not send this method. Use GET, POST, PUT, PATCH or DELETE.');
  }
  if (hasBody && (method === 'GET' || method === 'HEAD')) {
    throw invalid('method', method, 'A request of this method has no body. Use POST, or leave "body" out.');
  }
  if (!ownFetch) return;
  let parsed: URL;
  try {
    parsed = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    throw invalid('url', url, 'It is not an absolute URL. Begin it with http:// or https://.');
  }
  if (!/^(?:https?|blob|data):$/.test(parsed.protocol)) {
    throw invalid('url', url, 'It is not an HTTP URL. Begin it with http:// or https://.');
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw invalid(
      'url',
      parsed.host,
      'fetch rejects a URL with a user name or password. Send them in "headers".',
    );
  }
}

function invalid(option: string, value: unknown, remedy: string): SseError {
  return refused(WHERE, option, value, remedy);
}
