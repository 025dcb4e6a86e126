/** The codes of {@link SseError}. Codes are stable. Messages may change. */
export type SseErrorCode =
  /** A field has a value that the event stream format cannot carry. `context.field` names it. */
  | 'SSE_INVALID_FIELD'
  /** The text given to `raw()` does not consist of whole, valid event blocks. */
  | 'SSE_INVALID_RAW'
  /** JSON, or the `serialize` of the route, cannot express a value. */
  | 'SSE_NOT_SERIALIZABLE'
  /** A contract has no events, an illegal name, or a schema that is asynchronous or throws; or two contracts of a channel differ. */
  | 'SSE_INVALID_CONTRACT'
  /** The name or the data of an event breaks its contract. `context` has the event, and the issues with their paths. */
  | 'SSE_INVALID_EVENT'
  /** A handler returned something that cannot be streamed: a string, a function, a bare iterator, a channel. */
  | 'SSE_NOT_STREAMABLE'
  /** A handler or a source threw something that is not an object. */
  | 'SSE_NON_ERROR_THROWN'
  /** An `@Sse()` route was called, but `SseModule.forRoot()` is not imported. */
  | 'SSE_MODULE_MISSING'
  /** `SseModule.forRoot()` is imported more than once in an application. */
  | 'SSE_MODULE_DUPLICATE'
  /** An option does not exist, has an invalid value, or contradicts another option. */
  | 'SSE_INVALID_OPTIONS'
  /** The connection was closed because its client left. */
  | 'SSE_CLIENT_GONE'
  /** The connection was closed because more waited for its client than `overflow.maxBytes` or `maxQueuedBytes` allows. */
  | 'SSE_OVERFLOW'
  /** The connection was closed because its client read nothing for `stallMs`. */
  | 'SSE_STALLED'
  /** The connection was closed because the stream reached its end. */
  | 'SSE_ENDED'
  /** The connection was closed by `close()`, by `closeWhere()`, or by a limit that replaces the oldest. */
  | 'SSE_CLOSED'
  /** The connection was closed because the application shuts down. */
  | 'SSE_SHUTDOWN'
  /** The connection was closed because `timeout.afterMs`, `maxDurationMs` or `expiresAt` was reached. */
  | 'SSE_EXPIRED'
  /** The connection was closed because a guard rejected it when it ran again (`revalidateMs`). */
  | 'SSE_REVOKED'
  /** A channel name is empty, too long, or has control characters. */
  | 'SSE_INVALID_CHANNEL'
  /** A cursor does not belong to this channel. */
  | 'SSE_INVALID_CURSOR'
  /** An event that is published beyond the log's `maxEventBytes`, or received beyond the client's `maxEventLength`. */
  | 'SSE_EVENT_TOO_LARGE'
  /** The own ID of a published event does not follow the last one of its channel. */
  | 'SSE_ID_ORDER'
  /** The `tx` of a `publish()` is not an open transaction of the database of the log, or the log has no transactions. */
  | 'SSE_INVALID_TRANSACTION'
  /** `step()` of a fold failed with an event. The error is logged. The state stays as it was before that event. */
  | 'SSE_FOLD_FAILED'
  /** The event log is temporarily unavailable. */
  | 'SSE_LOG_UNAVAILABLE'
  /** A run with this ID is already running. */
  | 'SSE_RUN_EXISTS'
  /** There is no run with this ID. */
  | 'SSE_RUN_UNKNOWN'
  /** The signal of a run aborted because of `stop()`, or because nobody viewed the run any more (`orphanMs`). */
  | 'SSE_RUN_STOPPED'
  /** The node of a run died, lost its log, or was shut down before the run had ended. */
  | 'SSE_RUN_LOST'
  /** The client received a status that is not retried. `context.status` has it. */
  | 'SSE_RESPONSE_STATUS'
  /** The client received something other than `text/event-stream`. */
  | 'SSE_RESPONSE_TYPE'
  /** The client gave up after `retry.maxAttempts` attempts. */
  | 'SSE_RETRIES_EXHAUSTED'
  /** The testing client waited for something that did not arrive in time. */
  | 'SSE_TEST_TIMEOUT';

/** Details of an {@link SseError}. */
export interface SseErrorDetails {
  /** A sentence that says what to do. */
  remedy?: string;
  /** The values that caused the error. */
  context?: Readonly<Record<string, unknown>>;
  /** The underlying error. */
  cause?: unknown;
}

/**
 * The error class of the library. The message says what happened, with which value, and what to do. Programs compare `code`, and
 * not the class, because the ESM and the CJS build can be loaded at the same time.
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

/** True if `error` is an {@link SseError} of this or another copy of the package, with this code if one is given. */
export function isSseError(error: unknown, code?: SseErrorCode): error is SseError {
  try {
    if (!(error instanceof Error) || error.name !== 'SseError' || !('code' in error)) return false;
    return code === undefined || error.code === code;
  } catch {
    // A getter or proxy of the application has thrown.
    return false;
  }
}

/** @internal Marks an error that was already logged, so that it is not logged again for each stream that it ends. */
export const REPORTED = Symbol.for('nestjs-event-stream:reported');

/** @internal True if an error is marked as {@link REPORTED}. */
export function isReported(error: unknown): boolean {
  try {
    return typeof error === 'object' && error !== null && REPORTED in error;
  } catch {
    // A proxy of the application has thrown.
    return false;
  }
}

const QUOTED_LENGTH = 60;

/** Control characters and line separators that JSON does not escape. Terminals may interpret them. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

/** Formats any value for a message: one line of at most about 60 characters. */
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

/** The tag of a value, such as `[object Blob]`. It is the same for objects of other realms. */
export function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    // The value is a revoked proxy, or its Symbol.toStringTag throws.
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
    if (typeof name === 'string' && name !== '' && name !== 'Object') return `an instance of ${name}`;
    // Undefined if toJSON() returns undefined.
    return (name !== '' && (JSON.stringify(value) as string | undefined)) || tagOf(value);
  }
  return String(value);
}

/** The error of an `@Sse()` route without `SseModule`. */
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
