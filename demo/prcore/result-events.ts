import { defineEvents, text, type } from 'nestjs-event-stream/events';
import type { Entry } from './entry.js';

/** The events of `GET /project/:projectId/stream/result`. */
export const resultEvents = defineEvents({
  /** `CONNECTED` at the start, and `FINISHED` when the run is over. */
  notification: text(),
  /** New entries, in order. The first event can contain a backlog. */
  message: type<readonly Entry[]>(),
  /** The time, as a heartbeat. */
  ping: text(),
});
