import type { BatchSink } from '../channels/channel.source.js';
import type { BatchConsumer } from '../channels/live-readers.js';
import type { Pipeline } from '../pipeline.js';

/** The stream that a source feeds. */
export interface Streaming {
  readonly stages: Pipeline;
  readonly batches: BatchConsumer;
  failed(error: unknown): void;
}

/** Receives the values of a source without interceptors: into the stages, or past them if they are already encoded. */
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
