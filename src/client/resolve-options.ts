import { SseError, quoted } from '../errors/sse.errors.js';
import { DEFAULT_RETRY, SYSTEM_CLOCK } from './client.options.js';
import type { ClientClock, ConnectOptions, FetchLike, RetryNotice, RetryOptions } from './client.options.js';
import { encodeBody, type EncodedBody } from './request-body.js';

/** Options with nothing left open. */
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
  signal: AbortSignal | undefined;
  onRetry: ((notice: RetryNotice) => void) | undefined;
  credentials: ConnectOptions['credentials'];
  fetch: FetchLike;
  clock: ClientClock;
  random: () => number;
}

/** Fills in the defaults, and refuses what cannot work. @throws {SseError} `SSE_INVALID_OPTIONS` */
export function resolveConnectOptions<Map extends object>(
  url: string | URL,
  options: ConnectOptions<Map>,
): ResolvedConnectOptions {
  const body = encodeBody(options.body);
  const method = (options.method ?? (body.body === undefined ? 'GET' : 'POST')).toUpperCase();
  const address = String(url);
  const { events, after = '', retry = {}, inactivityMs = false } = options;
  checkRequest(address, method, body.body !== undefined, options.fetch === undefined);
  if (events?.length === 0)
    throw invalid('events', events, 'names no event: name one, or leave the option out.');
  if (/[\0\r\n]/.test(after))
    throw invalid('after', after, 'is no last event ID: no id has such characters.');
  if (inactivityMs !== false) checkNumber('inactivityMs', inactivityMs, 1);
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
  const retry: Required<RetryOptions> = {
    initialMs,
    maxMs: given.maxMs ?? Math.max(initialMs, DEFAULT_RETRY.maxMs),
    factor: given.factor ?? DEFAULT_RETRY.factor,
    jitter: given.jitter ?? DEFAULT_RETRY.jitter,
    maxAttempts: given.maxAttempts ?? DEFAULT_RETRY.maxAttempts,
  };
  checkNumber('retry.initialMs', retry.initialMs, 0);
  checkNumber('retry.maxMs', retry.maxMs, 0);
  checkNumber('retry.factor', retry.factor, 1);
  checkNumber('retry.jitter', retry.jitter, 0, 1);
  if (retry.maxAttempts !== Infinity) checkNumber('retry.maxAttempts', retry.maxAttempts, 1);
  if (retry.initialMs > retry.maxMs) {
    throw invalid(
      'retry.initialMs',
      retry.initialMs,
      `is above retry.maxMs, ${retry.maxMs}: lower it, or raise that.`,
    );
  }
  return retry;
}

// What fetch would refuse each time has to be refused here: it says so with the TypeError of a network failure, which
// is retried.
function checkRequest(url: string, method: string, hasBody: boolean, ownFetch: boolean): void {
  try {
    new Request('http://localhost/', { method });
  } catch {
    throw invalid('method', method, 'is not one that can be sent: use GET, POST, PUT, PATCH or DELETE.');
  }
  if (hasBody && (method === 'GET' || method === 'HEAD')) {
    throw invalid('method', method, 'sends no body: use POST, or leave `body` out.');
  }
  if (!ownFetch) return;
  let parsed: URL;
  try {
    parsed = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    throw invalid('url', url, 'is not an absolute address: begin it with http:// or https://.');
  }
  if (!/^(?:https?|blob|data):$/.test(parsed.protocol)) {
    throw invalid('url', url, 'is not a web address: begin it with http:// or https://.');
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw invalid(
      'url',
      parsed.host,
      'comes with a user name or password, which fetch refuses: send them in `headers`.',
    );
  }
}

function checkNumber(name: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (typeof value === 'number' && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
  throw invalid(name, value, `is out of range: give it a number, ${range}.`);
}

function invalid(option: string, value: unknown, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `${option} ${quoted(value)} ${remedy}`, {
    context: { option, value },
  });
}
