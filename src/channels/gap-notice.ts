import { GapEvent, type Gap } from '../events/library-events.js';
import type { SseEvent } from '../events/sse-event.js';
import { encodeEvent } from '../wire/encode-event.js';
import type { ChannelKey } from '../log/cursor.js';
import type { Deliverable } from '../log/log-entry.js';
import { EventBatch } from './event-batch.js';

/** The gap event of a subscription. It has an id, so a client that has received it does not receive it again. */
export class GapNotice implements Deliverable {
  readonly channel: ChannelKey | undefined = undefined;
  readonly frame: string;
  readonly bytes: number;
  private readonly event: GapEvent;

  constructor(type: string, id: string, gap: Gap) {
    this.event = Object.freeze(new GapEvent(type, id, undefined, undefined, gap));
    this.frame = encodeEvent(this.event);
    this.bytes = Buffer.byteLength(this.frame);
  }

  toEvent(): SseEvent {
    return this.event;
  }
}

/** The batch of a gap event. `undefined` if the subscription asks for no gap events (`type`). */
export function gapBatch(type: string | undefined, id: string | undefined, gap: Gap): EventBatch | undefined {
  if (type === undefined) return undefined;
  return new EventBatch([new GapNotice(type, id ?? '', gap)], JSON.parse);
}
