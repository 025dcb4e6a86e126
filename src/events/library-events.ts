import { SseEvent } from './sse-event.js';

/** The payload of a gap event. Events between the two ids are gone, so the page should load its state again. */
export interface Gap {
  /** The id after which events were asked for. */
  readonly requested: string;
  /** The id of the oldest event that is kept and comes next; `null` if the log keeps no event. */
  readonly oldest: string | null;
}

/** The payload of the last event of a run that was stopped: by `stop()`, or because it had no viewers (`orphanMs`). */
export interface Stopped {
  readonly reason: 'stop' | 'orphaned';
}

/** The last event of a run that was stopped, under its default type. */
export type StoppedEvent = SseEvent<'stopped', Stopped>;

const GAP = Symbol.for('nestjs-event-stream:gap');

/** Reports that events are missing. The subscription continues with the events that the log keeps. See {@link isGap}. */
export class GapEvent<Type extends string = string> extends SseEvent<Type, Gap> {
  /** @internal Exists only as a type. */
  declare readonly '~gap': true;
}
Object.defineProperty(GapEvent.prototype, GAP, { value: true });

/**
 * Returns whether an event of a subscription reports a gap. Other events of the same type were published.
 *
 * @example
 * for await (const event of subscription) yield isGap(event) ? event : toRow(event.data);
 */
export function isGap(event: SseEvent): event is GapEvent {
  return GAP in event;
}

/** The type of gap events unless a subscription names another. */
export const GAP_EVENT = 'gap';
