import { defineEvents, type } from 'nestjs-event-stream/events';

/** The events of `GET /sse/test`. */
export const helloEvents = defineEvents({ message: type<{ msg: string; idx: number }>() });
