import type { ExecutionContext } from '@nestjs/common';
import type { OptionTable } from '../checking/option-check.js';
import { eventId, eventType } from '../checking/event-kinds.js';
import { anyOf, anything, delayMs, flag, func, group, meant, none } from '../checking/option-kinds.js';
import type { Serialize } from '../events/to-event.js';
import type { PayloadOption } from './payload.js';

/** Sends something whenever a stream has been idle, so that no proxy on the way closes the connection. */
export interface HeartbeatOptions {
  /**
   * Idle time in milliseconds before a heartbeat is sent. Heartbeats of many connections are batched, so one can be up to
   * 1/32 of the interval late. @default 15_000
   */
  intervalMs?: number;
  /** Type of the heartbeat event. @default none: a comment, unless `data` is given */
  event?: string;
  /** Its payload, or a function that makes one from the request each time. @default '' if `event` is given */
  data?: PayloadOption;
  /** Its ID, or a function that makes one from the request each time. @default none */
  id?: string | ((context: ExecutionContext) => string);
  /** Send it every `intervalMs`, even while events flow. @default false */
  always?: boolean;
}

/** The option of a stream that is about heartbeats. */
export interface StreamHeartbeatOptions {
  /** Heartbeats: the interval in milliseconds, all their options, or `false` for none. @default 15_000 */
  heartbeat?: number | false | HeartbeatOptions;
}

/** Kinds of {@link HeartbeatOptions}. */
export const HEARTBEAT_TABLE = {
  intervalMs: delayMs(1),
  event: eventType,
  data: anything,
  id: anyOf(eventId, func('of the request')),
  always: flag,
} satisfies OptionTable<HeartbeatOptions>;

/** Kinds of {@link StreamHeartbeatOptions}. */
export const STREAM_HEARTBEAT_TABLE = {
  heartbeat: meant(anyOf(delayMs(1), none, group(HEARTBEAT_TABLE)), (value) =>
    value === true ? 'Leave it out for the default.' : undefined,
  ),
} satisfies OptionTable<StreamHeartbeatOptions>;

/** Defaults of {@link StreamHeartbeatOptions}. */
export const HEARTBEAT_DEFAULTS = { heartbeat: 15_000 } as const satisfies StreamHeartbeatOptions;

/** {@link HeartbeatOptions} with the interval filled in, and how payloads are written. */
export interface ResolvedHeartbeat extends HeartbeatOptions {
  intervalMs: number;
  serialize: Serialize;
}

/** Fills in the defaults of the options of heartbeats. */
export function resolveHeartbeat(
  given: number | HeartbeatOptions | undefined,
  serialize: Serialize,
): ResolvedHeartbeat {
  const options: HeartbeatOptions = typeof given === 'object' ? given : { intervalMs: given };
  return { ...options, intervalMs: options.intervalMs ?? HEARTBEAT_DEFAULTS.heartbeat, serialize };
}
