import { checkOptions, refused } from '../checking/option-check.js';
import type { SseError } from '../errors/sse.errors.js';
import { isContract, type AnyContract } from '../events/event-contract.js';
import { SYSTEM_CLOCK } from './client.options.js';
import type {
  ClientClock,
  ConnectOptions,
  ContractOptions,
  FetchLike,
  RequestOptions,
  RetryOptions,
  UnknownEvents,
} from './client.options.js';
import { eventReader, type ReadEvent } from './event-reader.js';
import { CONNECT_TABLE } from './option-table.js';
import { encodeBody, type EncodedBody } from './request-body.js';

/** The place of the options in messages. */
const WHERE = 'connect()';

/** Checked options, with their defaults. */
export interface ResolvedConnectOptions extends EncodedBody {
  url: string;
  /** Method and address for messages. Without the query and the user, which may hold a secret. */
  request: string;
  method: string;
  headers: NonNullable<RequestOptions['headers']>;
  readEvent: ReadEvent;
  after: string;
  /** With a `maxAttempts` of 0, nothing is retried, not even after a stream that broke off. */
  retry: Required<RetryOptions>;
  reconnectAfterEnd: boolean;
  inactivityMs: number | false;
  maxEventLength: number;
  signal?: AbortSignal;
  onState?: RequestOptions['onState'];
  onRetry?: RequestOptions['onRetry'];
  credentials?: RequestOptions['credentials'];
  fetch: FetchLike;
  clock: ClientClock;
  random: () => number;
}

/** Checks the options and fills in the defaults. @throws {SseError} `SSE_INVALID_OPTIONS`, `SSE_NOT_SERIALIZABLE` */
export function resolveConnectOptions(
  url: string | URL,
  options: ConnectOptions | ContractOptions<AnyContract, UnknownEvents>,
): ResolvedConnectOptions {
  checkOptions(WHERE, options, CONNECT_TABLE);
  // An option that is given as `undefined` has its default.
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<ContractOptions<AnyContract, UnknownEvents>>;
  const { events, unknownEvents, retry = {} } = given;
  if (unknownEvents && !isContract(events)) {
    throw invalid('unknownEvents', unknownEvents, 'Pass a contract as "events", or remove it.');
  }
  const body = encodeBody(given.body);
  const method = (given.method ?? (body.body === undefined ? 'GET' : 'POST')).toUpperCase();
  const address = String(url);
  checkRequest(address, method, body.body !== undefined, !given.fetch);
  return {
    headers: {},
    after: '',
    inactivityMs: false,
    maxEventLength: 8_388_608,
    // Browsers require that it is called as a function of the global object.
    fetch: (input, init) => globalThis.fetch(input, init),
    clock: SYSTEM_CLOCK,
    random: Math.random,
    ...given,
    ...body,
    url: address,
    request: `${method} ${address.replace(/(\/\/)[^/?#]*@|[?#].*/gs, '$1')}`,
    method,
    readEvent: eventReader(events, unknownEvents),
    retry: resolveRetry(retry || { maxAttempts: 0 }),
    reconnectAfterEnd: retry !== false && (given.reconnectAfterEnd ?? method === 'GET'),
  };
}

function resolveRetry({
  initialMs = 1000,
  minMs = Math.min(initialMs, 500),
  maxMs = Math.max(initialMs, 30_000),
  maxServerMs = Math.max(maxMs, 3_600_000),
  factor = 2,
  jitter = 0.5,
  maxAttempts = Infinity,
}: RetryOptions): Required<RetryOptions> {
  const retry = { initialMs, minMs, maxMs, maxServerMs, factor, jitter, maxAttempts };
  for (const [name, other] of [
    ['minMs', 'initialMs'],
    ['initialMs', 'maxMs'],
    ['minMs', 'maxServerMs'],
  ] as const) {
    if (retry[name] > retry[other]) {
      throw invalid(`retry.${name}`, retry[name], `Use ${retry[other]} or less, or raise "retry.${other}".`);
    }
  }
  return retry;
}

// fetch reports a request that it can never send with the same TypeError as a network failure, which is retried.
// Such requests are therefore rejected here.
function checkRequest(url: string, method: string, hasBody: boolean, ownFetch: boolean): void {
  try {
    new Request('http://localhost/', { method, ...(hasBody && { body: '' }) });
  } catch {
    const methods = hasBody ? 'POST, PUT or PATCH to send a body' : 'GET, POST, PUT, PATCH or DELETE';
    throw invalid('method', method, `Use ${methods}.`);
  }
  if (!ownFetch) return;
  let parsed: URL | undefined;
  try {
    parsed = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    // Rejected below.
  }
  if (!parsed || !/^(?:https?|blob|data):$/.test(parsed.protocol)) {
    throw invalid('url', url, 'Use an absolute HTTP URL.');
  }
  if (parsed.username || parsed.password) {
    throw invalid('url', parsed.host, 'Move the user name and password to "headers".');
  }
}

function invalid(option: string, value: unknown, remedy: string): SseError {
  return refused(WHERE, option, value, remedy);
}
