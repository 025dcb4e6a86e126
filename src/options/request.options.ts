import type { OptionTable } from '../checking/option-check.js';
import { anyOf, delayMs, flag, none, wholeNumber } from '../checking/option-kinds.js';

/** The options of a stream that are about its request: its head, its `Last-Event-ID`, and the release of its source. */
export interface RequestOptions {
  /** Milliseconds after which the head is sent for a generator that has not yielded a value yet. @default 250 */
  openAfterMs?: number;
  /** Milliseconds after which a source that still runs without its client is named in the log. @default 10_000 */
  teardownWarnMs?: number | false;
  /** Also read the query parameter `lastEventId` of a request without a `Last-Event-ID`. @default false */
  lastEventIdQuery?: boolean;
  /** Bytes of a `Last-Event-ID`. A longer one is answered with 400. The default fits the cursor of 100 channels. @default 4096 */
  maxLastEventIdBytes?: number;
}

/** Kinds of {@link RequestOptions}. */
export const REQUEST_TABLE = {
  openAfterMs: delayMs(0),
  teardownWarnMs: anyOf(delayMs(1), none),
  lastEventIdQuery: flag,
  maxLastEventIdBytes: wholeNumber(1),
} satisfies OptionTable<RequestOptions>;

/** Defaults of {@link RequestOptions}. */
export const REQUEST_DEFAULTS = {
  openAfterMs: 250,
  teardownWarnMs: 10_000,
  lastEventIdQuery: false,
  maxLastEventIdBytes: 4096,
} as const satisfies RequestOptions;
