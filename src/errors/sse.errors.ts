/** Every code an {@link SseError} can carry. Codes are stable; messages may get better. */
export type SseErrorCode =
  /** A field that the event stream format cannot carry; `context.field` names it. */
  | 'SSE_INVALID_FIELD'
  /** Text given to `raw()` that is not whole, well-formed event blocks. */
  | 'SSE_INVALID_RAW'
  /** A value that JSON (or the route's `serialize`) cannot express. */
  | 'SSE_NOT_SERIALIZABLE'
  /** A handler's result that looks like a stream and is none: a string, a function, a bare iterator, a channel. */
  | 'SSE_NOT_STREAMABLE'
  /** Something other than an object was thrown. */
  | 'SSE_NON_ERROR_THROWN'
  /** An `@Sse()` route was called without `SseModule`, or that was imported without `forRoot()`. */
  | 'SSE_MODULE_MISSING'
  /** `SseModule.forRoot()` is imported more than once in an application. */
  | 'SSE_MODULE_DUPLICATE'
  /** Options that do not exist, have a value that they cannot have, or contradict each other. */
  | 'SSE_INVALID_OPTIONS'
  /** Why a connection was closed: its client left. */
  | 'SSE_CLIENT_GONE'
  /** Why a connection was closed: more waited for its client than `overflow.maxBytes` or `maxQueuedBytes` allows. */
  | 'SSE_OVERFLOW'
  /** Why a connection was closed: its client read nothing for `stallMs`. */
  | 'SSE_STALLED'
  /** Why a connection was closed: the stream reached its end. */
  | 'SSE_ENDED'
  /** Why a connection was closed: a call to `close()` on it or on `SseConnections`. */
  | 'SSE_CLOSED'
  /** Why a connection was closed: the application shuts down. */
  | 'SSE_SHUTDOWN'
  /** Why a connection was closed: `timeout.afterMs`, `maxDurationMs` or `expiresAt` was reached. */
  | 'SSE_EXPIRED'
  /** Why a connection was closed: a guard that ran again (`revalidateMs`) did not let it through. */
  | 'SSE_REVOKED'
  /** A channel name that is empty, too long, or has control characters. */
  | 'SSE_INVALID_CHANNEL'
  /** A cursor that was not made by this channel. */
  | 'SSE_INVALID_CURSOR'
  /** An event that is published beyond the log's `maxEventBytes`, or received beyond the client's `maxEventLength`. */
  | 'SSE_EVENT_TOO_LARGE'
  /** A published event whose own id does not come after the channel's last one. */
  | 'SSE_ID_ORDER'
  /** The event log cannot be reached now. */
  | 'SSE_LOG_UNAVAILABLE'
  /** A run with this id is already running. */
  | 'SSE_RUN_EXISTS'
  /** There is no run of that id. */
  | 'SSE_RUN_UNKNOWN'
  /** Why a run's signal aborted: a call to `stop()`, or nobody viewed it any more (`orphanMs`). */
  | 'SSE_RUN_STOPPED'
  /** The node of a run died, was cut off or was shut down before the run had ended. */
  | 'SSE_RUN_LOST'
  /** The client got a status that is not worth a retry; `context.status` has it. */
  | 'SSE_RESPONSE_STATUS'
  /** The client got something other than `text/event-stream`. */
  | 'SSE_RESPONSE_TYPE'
  /** The client gave up reconnecting. */
  | 'SSE_RETRIES_EXHAUSTED'
  /** An expectation of the testing client was not met in time. */
  | 'SSE_TEST_TIMEOUT';

/** What an {@link SseError} is made of, besides its code. */
export interface SseErrorDetails {
  /** What to do about it, as a sentence. */
  remedy?: string;
  /** The values that led to it. */
  context?: Readonly<Record<string, unknown>>;
  /** The error behind it. */
  cause?: unknown;
}

/**
 * The one error class of the library. The message says what happened, with which value, and what to do;
 * `code` is what programs compare (not the class: two package formats may be loaded at once).
 */
export class SseError extends Error {
  override readonly name = 'SseError';
  readonly code: SseErrorCode;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(code: SseErrorCode, what: string, details: SseErrorDetails = {}) {
    const message = details.remedy === undefined ? what : `${what} ${details.remedy}`;
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.context = details.context ?? {};
  }
}

/** Whether `error` is an {@link SseError}, of this or another copy of the package, with that code if one is given. */
export function isSseError(error: unknown, code?: SseErrorCode): error is SseError {
  try {
    if (!(error instanceof Error) || error.name !== 'SseError' || !('code' in error)) return false;
    return code === undefined || error.code === code;
  } catch {
    // A getter or a proxy of the application's that throws.
    return false;
  }
}

/** @internal Marks an error that was logged where it happened, and is not to be once more for each client it ends. */
export const REPORTED = Symbol.for('nestjs-event-stream:reported');

/** @internal Whether an error is marked as {@link REPORTED}. */
export function isReported(error: unknown): boolean {
  try {
    return typeof error === 'object' && error !== null && REPORTED in error;
  } catch {
    // A proxy of the application's that throws.
    return false;
  }
}

const QUOTED_LENGTH = 60;

/** What a terminal may obey, and JSON lets through. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

/** A value as it is quoted in messages: one line, at most about 60 characters, whatever the value is. */
export function quoted(value: unknown): string {
  let text: string;
  try {
    text = typeof value === 'string' ? JSON.stringify(value) : describe(value);
  } catch {
    text = tagOf(value);
  }
  const whole = text.replace(CONTROLS, escaped);
  return whole.length > QUOTED_LENGTH
    ? `${whole.slice(0, QUOTED_LENGTH)}… (${whole.length} characters)`
    : whole;
}

function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    // A revoked proxy, or a Symbol.toStringTag that throws.
    return '[object]';
  }
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function describe(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'object' && value !== null) {
    const name: unknown = value.constructor?.name;
    if (name === '') return Object.prototype.toString.call(value);
    if (typeof name === 'string' && name !== 'Object') return `an instance of ${name}`;
    // Undefined for an object whose toJSON() gives nothing.
    return (JSON.stringify(value) as string | undefined) ?? Object.prototype.toString.call(value);
  }
  return String(value);
}

/** The error of a route that nothing was prepared for. */
export function moduleMissing(handler: string): SseError {
  return new SseError(
    'SSE_MODULE_MISSING',
    `${handler} is an @Sse() route, but SseModule was not imported.`,
    {
      remedy: 'Add SseModule.forRoot() to the imports of the root module.',
      context: { handler },
    },
  );
}
