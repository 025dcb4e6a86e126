import { checkedId, SseEvent } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';
import { toEvent, type Emits, type Serialize } from '../events/to-event.js';

/** Makes the id of an event that has none; asked only for events with data. */
export type IdMaker = (value: unknown) => string | undefined;

/** How values become events. */
export interface FormatSettings {
  emits: Emits;
  serialize: Serialize;
  makeId: IdMaker | undefined;
}

/** Values → events. The first value that cannot be one ends the stream as an error. */
export class FormatStage implements Sink<unknown> {
  private failed = false;

  constructor(
    private readonly settings: FormatSettings,
    private readonly out: Sink<SseEvent>,
  ) {}

  next(value: unknown): void {
    if (this.failed) return;
    // Around what comes after, too: an error there would be thrown at the source, which cannot do anything about it.
    try {
      const { emits, serialize, makeId } = this.settings;
      let event = toEvent(value, emits, serialize);
      if (makeId && event && lacksId(event)) event = withId(event, makeId(value));
      if (event) this.out.next(event);
    } catch (error) {
      this.failed = true;
      this.out.error(error);
    }
  }

  error(error: unknown): void {
    if (!this.failed) this.out.error(error);
  }

  complete(): void {
    if (!this.failed) this.out.complete();
  }
}

/** Comments and the like never carry an id that was made for them. */
function lacksId({ id, data, raw }: SseEvent): boolean {
  return id === undefined && data !== undefined && raw === undefined;
}

function withId(event: SseEvent, id: string | undefined): SseEvent {
  return new SseEvent(event.type, checkedId(id), event.retry, event.comment, event.data);
}

/** Numbers from 1, or from where a client left off. */
export function sequence(lastEventId: string | undefined): IdMaker {
  let last = lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : 0;
  return () => String(++last);
}
