import type { OptionTable } from '../checking/option-check.js';
import { anyOf, delayMs, none, wholeNumber } from '../checking/option-kinds.js';

/** Options for all connections of an application together. */
export interface ConnectionsOptions {
  /**
   * Maximum memory for all events of this process that wait for slow clients, in bytes. Beyond it, the connection with the
   * most waiting bytes is cut off. A connection that has just opened is spared. @default 134_217_728
   */
  maxQueuedBytes?: number;
  /** Milliseconds within which a shutdown ends all streams. @default 2000 */
  shutdownMs?: number;
  /**
   * In a shutdown, each client receives a random retry time between a fifth of this and this, in milliseconds. `false` sends
   * none. @default 5000
   */
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
