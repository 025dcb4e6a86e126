import type { SseEvent } from 'nestjs-event-stream';
import { defineEvents, type } from 'nestjs-event-stream/events';
import type { UploadEvent } from './upload-session.js';

/** An event that has only data. */
type Message =
  | UploadEvent
  | { readonly type: 'heartbeat'; readonly timestamp: number }
  | { readonly type: 'timeout'; readonly message: string };

/** The events of `GET /api/progress/:sessionId`. They have no name. Clients check `type` in the data. */
export const uploadEvents = defineEvents({ message: type<Message>() });

/** An event for a viewer of an upload. */
export type ViewerEvent = SseEvent<undefined, Message>;
