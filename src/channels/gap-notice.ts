import { event, type SseEvent } from '../events/sse-event.js';
import { encodeEvent } from '../wire/encode-event.js';
import type { ChannelKey } from './cursor.js';
import type { Deliverable } from './log-entry.js';

/** The payload of a gap event: what lay between is gone, and the page should fetch its state anew. */
export interface Gap {
  /** The id that was to be followed. */
  readonly requested: string;
  /** The id of the oldest event that is kept and comes next; `null` if none is. */
  readonly oldest: string | null;
}

/** The type of gap events unless a subscription says otherwise. */
export const GAP_EVENT = 'gap';

/** A gap as a subscription says it. It carries an id: a client that has it need not be told again. */
export class GapNotice implements Deliverable {
  readonly channel: ChannelKey | undefined = undefined;
  readonly frame: string;
  readonly bytes: number;
  private readonly event: SseEvent;

  constructor(type: string, id: string, gap: Gap) {
    this.event = event({ type, id, data: gap });
    this.frame = encodeEvent(this.event);
    this.bytes = Buffer.byteLength(this.frame);
  }

  toEvent(): SseEvent {
    return this.event;
  }
}
