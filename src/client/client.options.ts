/** How the client reconnects, and when it gives up. */
export interface RetryOptions {
  /** Wait before the first reconnect in milliseconds, until the server sends another in `retry:`. @default 1000 */
  initialMs?: number;
  /** Shortest wait in milliseconds. A server that sends `retry: 0` cannot cause a loop of requests. @default 500, or `initialMs` if that is less */
  minMs?: number;
  /** Wait in milliseconds beyond which back-off stops growing. A server may still ask for more. @default 30_000, or `initialMs` if that is more */
  maxMs?: number;
  /** Longest wait in milliseconds that a server can impose with `retry:` or `Retry-After`. @default 3_600_000, or `maxMs` if that is more */
  maxServerMs?: number;
  /** Factor by which the wait grows after each failed attempt, 1 or more. @default 2 */
  factor?: number;
  /** Largest random share of the wait, 0 to 1, that is added so that clients do not reconnect all at once. @default 0.5 */
  jitter?: number;
  /** Number of failed attempts in a row before `SSE_RETRIES_EXHAUSTED`. @default Infinity */
  maxAttempts?: number;
}

/** What `onRetry` is told before each wait. */
export interface RetryNotice {
  /** Attempts in a row that got no event stream; 0 if there was one that broke or ended. */
  attempt: number;
  /** The wait before the next request, in milliseconds. */
  delayMs: number;
  /** What went wrong, or `undefined` if the response ended in order. */
  error: unknown;
}

/** What `fetch` takes for headers: an object, pairs, or `Headers`. */
export type RequestHeaders = NonNullable<RequestInit['headers']>;

/** What is needed of `fetch`. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** The time and its timers. Tests put their own in its place. */
export interface ClientClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` once, `ms` milliseconds from now. */
  schedule(run: () => void, ms: number): unknown;
  /** Forgets what `schedule` returned. */
  cancel(handle: unknown): void;
}

/** Options of {@link connect}. */
export interface ConnectOptions<Map extends object = Record<string, unknown>> {
  /** @default 'GET', or 'POST' if there is a body */
  method?: string;
  /** Sent with each attempt. An object or array goes as JSON; text, bytes, a Blob or a form as with `fetch`; no stream. */
  body?: NonNullable<RequestInit['body']> | object;
  /** Headers, or a function that is asked for them before each attempt. What that throws ends the iteration. */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>);
  /** Hand out events of these names only; the others still move the last event ID. @default all */
  events?: readonly (keyof Map & string)[];
  /** The last event ID to begin after, as kept from an earlier stream. @default none */
  after?: string;
  /** How to come back; `false` makes one request and no other. */
  retry?: RetryOptions | false;
  /**
   * Whether a response that ended in order, without a word about the stream being over, is asked for again, as
   * `EventSource` does. A response that broke off always is. @default true for GET, false for other methods
   */
  reconnectAfterEnd?: boolean;
  /**
   * Take a connection for dead, and reconnect, when not a byte came for so long while one was waited for. A server that
   * sends heartbeats (ours: each 15 s) allows two or three times their interval. In milliseconds. @default false
   */
  inactivityMs?: number | false;
  /**
   * Longest event that is accepted, all its lines together, in UTF-16 code units as `String.length` counts them. A longer
   * one ends the iteration with `SSE_EVENT_TOO_LARGE`. @default 8_388_608
   */
  maxEventLength?: number;
  /** Cancels everything when it aborts; the iteration then throws its reason. */
  signal?: AbortSignal;
  /** Called before each wait for a reconnect. What it throws ends the iteration. */
  onRetry?: (notice: RetryNotice) => void;
  /** As for `fetch`: whether cookies go along to other origins. @default 'same-origin' */
  credentials?: NonNullable<RequestInit['credentials']>;
  /** @default the global one */
  fetch?: FetchLike;
  /** @default the system's */
  clock?: ClientClock;
  /** Numbers from 0 to 1, for jitter. @default Math.random */
  random?: () => number;
}

/** Values of `retry` where the options name none. */
export const DEFAULT_RETRY: Required<RetryOptions> = {
  initialMs: 1000,
  minMs: 500,
  maxMs: 30_000,
  maxServerMs: 3_600_000,
  factor: 2,
  jitter: 0.5,
  maxAttempts: Infinity,
};

/** Value of `maxEventLength` where the options name none. */
export const DEFAULT_MAX_EVENT_LENGTH = 8_388_608;

/** The clock of the machine. A wait for a reconnect keeps a Node process alive, as an open connection does. */
export const SYSTEM_CLOCK: ClientClock = {
  now: () => Date.now(),
  schedule: (run, ms) => setTimeout(run, ms),
  cancel: (handle) => clearTimeout(handle as number),
};
