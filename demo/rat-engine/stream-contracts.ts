import { defineEvents, type } from 'nestjs-event-stream/events';
import type { RowChunk } from './data-set.js';
import type { CachedEvent } from './event-cache.js';
import type { RatError } from './rat-events.js';

// None of these events has a name. Clients of RAT Engine have one listener and check `type` in the data.

/** The events of `GET /api/events`. */
export const counterEvents = defineEvents({
  message: type<{ type: 'counter'; value: number; timestamp: number }>(),
});

/** The events of `GET /api/safe-stream`. */
export const safeEvents = defineEvents({
  message: type<{ progress: number } | RatError | { type: 'closed' }>(),
});

/** The events of `GET /api/timeout-stream`. */
export const timeoutEvents = defineEvents({
  message: type<{ timestamp: number } | { type: 'timeout'; message: string }>(),
});

/** The events of `GET /api/heartbeat-stream`. */
export const heartbeatEvents = defineEvents({ message: type<{ type: 'heartbeat'; timestamp: number }>() });

/** The events of `GET /api/logs/:service`. */
export const logEvents = defineEvents({
  message: type<
    | { type: 'connected'; service: string; timestamp: number }
    | { type: 'log'; service: string; message: string; timestamp: number }
  >(),
});

/** The events of `GET /api/non-blocking`. */
export const cachedEvents = defineEvents({ message: type<CachedEvent>() });

/** The events of `GET /api/memory-efficient`. */
export const rowEvents = defineEvents({ message: type<RowChunk>() });

/** The events of `GET /api/debug-stream`. */
export const debugEvents = defineEvents({
  message: type<
    | {
        type: 'debug';
        request_info: {
          method: string;
          path: string;
          headers: Record<string, string | string[] | undefined>;
        };
      }
    | { data: number }
  >(),
});
