import { defineEvents, type } from 'nestjs-event-stream/events';

/** The events of `GET /live/load`: a number, and padding that makes the event large. */
export const loadEvents = defineEvents({
  load: type<{ number: number; padding: string }>(),
});
