import type { AnyContract } from '../events/event-contract.js';
import type { EventStreamState } from './event-stream.js';

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

/** The argument of `onRetry`. */
export interface RetryNotice {
  /** The number of attempts in a row that got no event stream. It is 0 if a stream broke off or ended. */
  attempt: number;
  /** The wait before the next request, in milliseconds. */
  delayMs: number;
  /** The failure, or `undefined` if the response ended in order. */
  error: unknown;
}

/** Headers as `fetch` takes them: an object, pairs, or `Headers`. */
export type RequestHeaders = NonNullable<RequestInit['headers']>;

/** The part of `fetch` that we use. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** The time and its timers. Tests replace it. */
export interface ClientClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` once, `ms` milliseconds from now. */
  schedule(run: () => void, ms: number): unknown;
  /** Cancels a timer that `schedule` has returned. */
  cancel(handle: unknown): void;
}

/** Options of {@link connect}, whichever events it reads. */
export interface RequestOptions {
  /** @default 'GET', or 'POST' if there is a body */
  method?: string;
  /** Sent with each attempt: an object or array as JSON; text, bytes, a Blob or a form as with `fetch`. A stream is not possible. */
  body?: NonNullable<RequestInit['body']> | object;
  /** Headers, or a function that is called for them before each attempt. An error that it throws, or rejects with, ends the iteration. */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>);
  /** The last event ID to begin after, as kept from an earlier stream. @default none */
  after?: string;
  /** How to reconnect; `false` makes one request and no other. */
  retry?: RetryOptions | false;
  /**
   * Whether to reconnect after a response that ended in order, unless the server finished the stream. `EventSource` does.
   * The client always reconnects after a response that broke off. @default true for GET, false for other methods
   */
  reconnectAfterEnd?: boolean;
  /**
   * Reconnects if no byte arrives for this many milliseconds while the client waits for one. Use two or three times the
   * interval at which the server sends heartbeats; ours is 15 s. @default false
   */
  inactivityMs?: number | false;
  /**
   * Longest event that is accepted, all its lines together, in UTF-16 code units as `String.length` counts them. A longer
   * one ends the iteration with `SSE_EVENT_TOO_LARGE`. @default 8_388_608
   */
  maxEventLength?: number;
  /** Cancels the request when it aborts. The iteration then throws its reason. */
  signal?: AbortSignal;
  /** Called when the state changes. An error that it throws, or rejects with, ends the iteration. */
  onState?: (state: EventStreamState) => unknown;
  /** Called before each wait for a reconnect. An error that it throws, or rejects with, ends the iteration. */
  onRetry?: (notice: RetryNotice) => unknown;
  /** As for `fetch`: whether cookies are sent to other origins. @default 'same-origin' */
  credentials?: NonNullable<RequestInit['credentials']>;
  /** @default the global one */
  fetch?: FetchLike;
  /** @default the clock of the system */
  clock?: ClientClock;
  /** Returns numbers from 0 to 1, for jitter. @default Math.random */
  random?: () => number;
}

/** Options of {@link connect} without a contract. `Map` has the type of the data of each event, by its name. */
export interface ConnectOptions<Map extends object = Record<string, unknown>> extends RequestOptions {
  /** Only events with these names are handed out. The others still set the last event ID. @default all */
  events?: readonly (keyof Map & string)[];
}

/** Whether a client receives events that its contract does not have. */
export type UnknownEvents = 'ignore' | 'deliver';

/** Options of {@link connect} with a contract. */
export interface ContractOptions<
  Contract extends AnyContract,
  Unknown extends UnknownEvents = 'ignore',
> extends RequestOptions {
  /** The contract. The data of each event is parsed and validated, and the event has the output of its schema. */
  events: Contract;
  /**
   * `'deliver'` hands out events that the contract does not have, as text. `'ignore'` drops them, so that a server can add
   * events before its clients know them. @default 'ignore'
   */
  unknownEvents?: Unknown;
}

/** The clock of the machine. A wait for a reconnect keeps a Node process alive, as an open connection does. */
export const SYSTEM_CLOCK: ClientClock = {
  now: () => Date.now(),
  schedule: (run, ms) => setTimeout(run, ms),
  cancel: (handle) => clearTimeout(handle as number),
};
