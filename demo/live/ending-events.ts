import { defineEvents, type } from 'nestjs-event-stream/events';

/** The events of `GET /live/limited` and `GET /live/finite`. */
export const endingEvents = defineEvents({
  step: type<{ step: number; of?: number }>(),
});
