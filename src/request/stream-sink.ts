import type { BatchSink } from '../channels/channel.source.js';
import type { BatchConsumer } from '../channels/live-readers.js';
import type { Pipeline } from '../pipeline.js';

/** What a source gives its values to. */
export interface Streaming {
  readonly stages: Pipeline;
  readonly batches: BatchConsumer;
  failed(error: unknown): void;
}

/** Where the values of a source go that travels whole: through the stages, or past them where they come encoded. */
export class StreamSink implements BatchSink {
  constructor(private readonly stream: Streaming) {}

  get batches(): BatchConsumer {
    return this.stream.batches;
  }
  next(value: unknown): void {
    this.stream.stages.values.next(value);
  }
  error(error: unknown): void {
    this.stream.failed(error);
  }
  complete(): void {
    this.stream.stages.values.complete();
  }
}
