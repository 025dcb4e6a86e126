import type { SseEvent } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';

/** Says a last word when the source completes. */
export class CompleteStage implements Sink<SseEvent> {
  constructor(
    /** Makes the last event, if there is to be one. */
    private readonly lastEvent: () => SseEvent | undefined,
    private readonly out: Sink<SseEvent>,
  ) {}

  next(event: SseEvent): void {
    this.out.next(event);
  }

  error(error: unknown): void {
    this.out.error(error);
  }

  complete(): void {
    try {
      const last = this.lastEvent();
      if (last) this.out.next(last);
    } catch (error) {
      this.out.error(error);
      return;
    }
    this.out.complete();
  }
}
