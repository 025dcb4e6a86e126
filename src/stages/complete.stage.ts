import type { SseEvent } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';

/** Says the last words when the source completes. */
export class CompleteStage implements Sink<SseEvent> {
  constructor(
    /** Makes the last events, as many as there are to be. */
    private readonly lastEvents: () => SseEvent[],
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
      for (const event of this.lastEvents()) this.out.next(event);
    } catch (error) {
      this.out.error(error);
      return;
    }
    this.out.complete();
  }
}
