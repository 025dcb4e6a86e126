import type { OptionTable } from '../checking/option-check.js';
import { anyOf, delayMs, none, wholeNumber } from '../checking/option-kinds.js';

/** The options that are about all connections of an application together. */
export interface ConnectionsOptions {
  /**
   * Bytes of memory that the events waiting for slow clients may use in this process, over all connections. Beyond it, the
   * connection with the most is cut off, and not the one that has just opened. @default 134_217_728
   */
  maxQueuedBytes?: number;
  /** Milliseconds within which a shutdown ends all streams. @default 2000 */
  shutdownMs?: number;
  /** Each client is told to reconnect after a random delay of up to this many milliseconds. @default 5000 */
  shutdownRetryMs?: number | false;
}

/** Kinds of {@link ConnectionsOptions}. */
export const CONNECTIONS_TABLE = {
  maxQueuedBytes: wholeNumber(1),
  shutdownMs: delayMs(0),
  shutdownRetryMs: anyOf(wholeNumber(0), none),
} satisfies OptionTable<ConnectionsOptions>;

/** Defaults of {@link ConnectionsOptions}. */
export const CONNECTIONS_DEFAULTS = {
  maxQueuedBytes: 134_217_728,
  shutdownMs: 2000,
  shutdownRetryMs: 5000,
} as const satisfies ConnectionsOptions;
