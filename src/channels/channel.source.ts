import type { Sink } from '../events/sink.js';
import { Source, type Demand, type Running } from '../source/source.js';
import type { EventBatch } from './event-batch.js';
import type { BatchConsumer } from './live-readers.js';
import type { ChannelSubscription } from './subscription.js';

/** A sink that accepts encoded batches of events, if no stage has to inspect each event. */
export interface BatchSink extends Sink<unknown> {
  readonly batches: BatchConsumer;
}

/**
 * A subscription as a source. It pushes events without a queue: while the consumer is not ready it takes nothing from the log,
 * and then it continues at its position.
 */
export class ChannelSource extends Source {
  readonly pulled = false;

  constructor(
    readonly subscription: ChannelSubscription,
    stream?: ChannelSubscription['stream'],
  ) {
    super();
    subscription.stream = stream;
  }

  open(sink: Sink<unknown> | BatchSink, demand: Demand): Running {
    const pump = new Pump(this.subscription, sink, demand);
    this.subscription.onReadable(() => pump.run());
    pump.run();
    return pump;
  }

  override discard(): void {
    this.subscription.close();
  }
}

class Pump implements Running {
  private over = false;

  constructor(
    private readonly subscription: ChannelSubscription,
    private readonly sink: Sink<unknown> | BatchSink,
    private readonly demand: Demand,
  ) {}

  run(): void {
    const { subscription, demand } = this;
    while (!this.over) {
      if (!demand.ready) return this.wait();
      let batch: EventBatch | undefined;
      // The delivery can throw as well, because `parse` of the application is called when an event is read.
      try {
        batch = subscription.take();
        if (batch) this.deliver(batch);
      } catch (error) {
        this.over = true;
        subscription.close();
        this.sink.error(error);
        return;
      }
      if (batch) continue;
      if (!subscription.ended) return this.follow();
      this.over = true;
      this.sink.complete();
    }
  }

  unsubscribe(): void {
    this.over = true;
    this.subscription.close();
  }

  private deliver(batch: EventBatch): void {
    const { sink } = this;
    if ('batches' in sink) return sink.batches.join(batch);
    for (let i = 0; i < batch.size && !this.over; i++) sink.next(batch.event(i));
  }

  private follow(): void {
    const { sink, subscription } = this;
    if ('batches' in sink) subscription.follow(sink.batches);
  }

  private wait(): void {
    void this.demand.whenReady().then(() => this.run());
  }
}
