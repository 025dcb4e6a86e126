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
import { isContract, type AnyContract } from '../events/event-contract.js';
import type { ContractOptions, RetryOptions, UnknownEvents } from './client.options.js';

/** A last event ID cannot contain these characters (WHATWG HTML, 9.2.6). */
const NOT_IN_ID = /[\0\r\n]/;

const RETRY_TABLE: OptionTable<RetryOptions> = {
  initialMs: delayMs(0),
  minMs: delayMs(0),
  maxMs: delayMs(0),
  maxServerMs: delayMs(0),
  factor: numberFrom(1, 2 ** 53, 'a number, 1 or more'),
  jitter: numberFrom(0, 1, 'a number from 0 to 1'),
  maxAttempts: anyOf(
    wholeNumber(1),
    kind((value) => value === Infinity, 'Infinity'),
  ),
};

/** The kinds of the options of `connect()`. */
export const CONNECT_TABLE: OptionTable<ContractOptions<AnyContract, UnknownEvents>> = {
  method: kind((value) => typeof value === 'string' && value !== '', 'an HTTP method'),
  // `encodeBody()` looks at it.
  body: anything,
  headers: kind(
    (value) => typeof value === 'object' || typeof value === 'function',
    'headers as fetch takes them',
    'a function that returns them',
  ),
  events: kind((value) => isContract(value) || isListOfNames(value), 'a contract', 'a list of event names'),
  unknownEvents: oneOf('ignore', 'deliver'),
  after: kind(
    (value) => typeof value === 'string' && !NOT_IN_ID.test(value),
    'a string without NUL, CR and LF',
  ),
  retry: anyOf(group(RETRY_TABLE), none),
  reconnectAfterEnd: flag,
  inactivityMs: anyOf(delayMs(1), none),
  maxEventLength: wholeNumber(1),
  signal: having(['addEventListener', 'removeEventListener'], 'an AbortSignal'),
  onState: func('of the state'),
  onRetry: func('of the failure'),
  credentials: oneOf('omit', 'same-origin', 'include'),
  fetch: func('such as fetch'),
  clock: having(['now', 'schedule', 'cancel'], 'a clock'),
  random: func('that returns a number from 0 to 1'),
};

function numberFrom(min: number, max: number, words: string): OptionKind {
  return kind((value) => typeof value === 'number' && value >= min && value <= max, words);
}

function isListOfNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');
}
