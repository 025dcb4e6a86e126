import { SseEvent } from '../events/sse-event.js';
import { encodeEvent } from '../wire/encode-event.js';
import type { ChannelKey } from '../log/cursor.js';
import type { Deliverable } from '../log/log-entry.js';

/** The payload of a gap event: what lay between is gone, and the page should fetch its state anew. */
export interface Gap {
  /** The id that was to be followed. */
  readonly requested: string;
  /** The id of the oldest event that is kept and comes next; `null` if none is. */
  readonly oldest: string | null;
}

const BRAND = Symbol.for('nestjs-event-stream:gap');

/** Says that events are missing before a subscription goes on with what is kept. {@link isGap} tells it from others. */
export class GapEvent extends SseEvent {
  declare readonly [BRAND]: true;
  declare readonly data: Gap;
}
Object.defineProperty(GapEvent.prototype, BRAND, { value: true });

/**
 * Whether what a subscription gave is a gap, whatever its type is called, and not an event that was published.
 *
 * @example
 * for await (const event of subscription) yield isGap(event) ? event : toRow(event.data);
 */
export function isGap(event: SseEvent): event is GapEvent {
  return BRAND in event;
}

/** The type of gap events unless a subscription says otherwise. */
export const GAP_EVENT = 'gap';

/** A gap as a subscription says it. It carries an id: a client that has it need not be told again. */
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
