import type { ExecutionContext } from '@nestjs/common';
import type { OptionRule, OptionTable } from '../checking/option-check.js';
import { eventType } from '../checking/event-kinds.js';
import { anyOf, anything, delayMs, func, group, meant, none, required } from '../checking/option-kinds.js';
import type { PayloadOption } from './payload.js';

/** Ends a stream that takes too long. */
export interface TimeoutOptions {
  /** Milliseconds, counted from the head, or a function of the request that returns them. */
  afterMs: number | ((context: ExecutionContext) => number);
  /** Type of the last event. @default none (a `message`) */
  event?: string;
  /** Its payload, or a function that makes it from the request. @default `{"type":"timeout","message":…}` */
  data?: PayloadOption;
}

/** The options of a stream that are about how long it may last. */
export interface LifetimeOptions {
  /** Ends a stream that takes too long, with an event. @default false */
  timeout?: false | TimeoutOptions;
  /** Milliseconds after which a connection ends, so that its client reconnects; 10 % more or less. @default false */
  maxDurationMs?: number | false;
  /**
   * When the right to this stream ends, such as the `exp` of a token: a `Date`, or milliseconds since 1970. `undefined` means
   * never. The stream then ends with a 401 error event. A client that reconnects passes the guards again. @default never
   */
  expiresAt?: (context: ExecutionContext) => Date | number | undefined;
  /**
   * Milliseconds between runs of the route's guards while the stream is open; 10 % more or less. A stream that they reject
   * ends with an error event (401, 403), and its client is stopped from reconnecting. @default false
   */
  revalidateMs?: number | false;
}

const ofRequest = func('of the request');

const TIMEOUT_TABLE = {
  afterMs: required(anyOf(delayMs(1), ofRequest)),
  event: eventType,
  data: anything,
} satisfies OptionTable<TimeoutOptions>;

/** Kinds of {@link LifetimeOptions}. */
export const LIFETIME_TABLE = {
  timeout: meant(anyOf(group(TIMEOUT_TABLE), none), (value) =>
    typeof value === 'number' && value > 0 ? `Write { afterMs: ${value} }.` : undefined,
  ),
  maxDurationMs: anyOf(delayMs(1), none),
  expiresAt: func('of the request, which gives a Date, milliseconds since 1970, or undefined'),
  revalidateMs: anyOf(delayMs(1), none),
} satisfies OptionTable<LifetimeOptions>;

/** Defaults of {@link LifetimeOptions}. */
export const LIFETIME_DEFAULTS = {
  timeout: false,
  maxDurationMs: false,
  revalidateMs: false,
} as const satisfies LifetimeOptions;

/** {@link LifetimeOptions} with all defaults filled in. */
export interface ResolvedLifetime {
  timeout: false | TimeoutOptions;
  maxDurationMs: number | false;
  expiresAt: LifetimeOptions['expiresAt'];
  revalidateMs: number | false;
}

/** Two of these options of which one could never have an effect. */
export const LIFETIME_RULES: readonly OptionRule<ResolvedLifetime>[] = [
  ({ timeout, maxDurationMs }) =>
    timeout !== false &&
    maxDurationMs !== false &&
    typeof timeout.afterMs === 'number' &&
    maxDurationMs <= timeout.afterMs && {
      option: 'maxDurationMs',
      value: maxDurationMs,
      remedy: `timeout.afterMs, ${timeout.afterMs}, would never be reached. Use a longer one, or remove one of the two.`,
    },
  ({ revalidateMs, maxDurationMs }) =>
    revalidateMs !== false &&
    maxDurationMs !== false &&
    maxDurationMs <= revalidateMs && {
      option: 'maxDurationMs',
      value: maxDurationMs,
      remedy:
        `The guards would never run again after revalidateMs, ${revalidateMs}. ` +
        'Use a longer one, or remove revalidateMs: a client that reconnects passes the guards again.',
    },
];
