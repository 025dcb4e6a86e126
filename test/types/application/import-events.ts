import { defineEvents, type } from 'nestjs-event-stream/events';

/** Everything that an import reports. The handler, the publisher, the page and the test share this file. */
export const importEvents = defineEvents({
  progress: type<{ percent: number }>(),
  done: type<{ url: string }>(),
});
