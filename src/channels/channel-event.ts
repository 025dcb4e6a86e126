import type { SseEvent } from '../events/sse-event.js';

/** An event of a channel. `data` is the published value after serializing and parsing. */
export type ChannelEvent<T = unknown> = SseEvent & { readonly data: T };
