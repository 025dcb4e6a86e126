import type { OptionKind, OptionTable } from '../checking/option-check.js';
import {
  anyOf,
  anything,
  delayMs,
  flag,
  func,
  group,
  having,
  kind,
  none,
  oneOf,
  wholeNumber,
} from '../checking/option-kinds.js';
import type { ConnectOptions, RetryOptions } from './client.options.js';

/** A last event ID cannot contain these characters (WHATWG HTML, 9.2.6). */
const NOT_IN_ID = /[\0\r\n]/;

const RETRY_TABLE: OptionTable<RetryOptions> = {
  initialMs: delayMs(0),
  minMs: delayMs(0),
  maxMs: delayMs(0),
  maxServerMs: delayMs(0),
  factor: numberFrom(1, Number.MAX_SAFE_INTEGER, 'a number, 1 or more'),
  jitter: numberFrom(0, 1, 'a number from 0 to 1'),
  maxAttempts: anyOf(
    wholeNumber(1),
    kind((value) => value === Infinity, 'Infinity'),
  ),
};

/** The kinds of the options of `connect()`. */
export const CONNECT_TABLE: OptionTable<ConnectOptions> = {
  method: kind((value) => typeof value === 'string' && value !== '', 'the name of an HTTP method'),
  // `encodeBody()` looks at it.
  body: anything,
  headers: kind(
    isHeaders,
    'an object, a list of pairs, a Headers object, or a function that returns one of them',
  ),
  events: kind(isListOfNames, 'a list of one or more event names'),
  after: kind(
    (value) => typeof value === 'string' && !NOT_IN_ID.test(value),
    'a string without NUL, CR and LF',
  ),
  retry: anyOf(group(RETRY_TABLE), none),
  reconnectAfterEnd: flag,
  inactivityMs: anyOf(delayMs(1), none),
  maxEventLength: wholeNumber(1),
  signal: having(['addEventListener', 'removeEventListener'], 'an AbortSignal'),
  onRetry: func('that is called before each reconnect'),
  credentials: oneOf('omit', 'same-origin', 'include'),
  fetch: func('with the parameters of fetch'),
  clock: having(['now', 'schedule', 'cancel'], 'a clock'),
  random: func('that returns a number from 0 to 1'),
};

function numberFrom(min: number, max: number, words: string): OptionKind {
  return kind((value) => typeof value === 'number' && value >= min && value <= max, words);
}

function isHeaders(value: unknown): boolean {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}

function isListOfNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');
}
