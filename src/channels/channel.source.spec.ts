import type { SseEvent } from '../events/sse-event.js';
import { ChannelSource } from './channel.source.js';
import { Channels } from './channels.js';
import type { SubscribeOptions } from './subscription.options.js';

const turn = () => new Promise(setImmediate);

/** A sink that takes event by event, because a stage has to see each of them. */
class EventSink {
  readonly seen: unknown[] = [];
  ready = true;
  ended = false;
  onEvent: (() => void) | undefined;
  private waits: (() => void)[] = [];

  whenReady(): Promise<void> {
    return new Promise((resolve) => this.waits.push(resolve));
  }
  next(value: unknown): void {
    this.seen.push((value as SseEvent).data);
    this.onEvent?.();
  }
  error(error: unknown): void {
    this.seen.push(error);
  }
  complete(): void {
    this.seen.push('end');
  }
  async makeReady(): Promise<void> {
    this.ready = true;
    for (const resolve of this.waits.splice(0)) resolve();
    await turn();
  }
}

describe('a subscription whose events are taken one by one', () => {
  let channels: Channels;
  beforeEach(() => (channels = new Channels()));
  afterEach(() => channels.close());

  const opened = (options: SubscribeOptions = {}) => {
    const sink = new EventSink();
    const source = new ChannelSource(channels.channel('a').subscribe(options));
    return { sink, source, running: source.open(sink, sink) };
  };
  const publish = async (...values: unknown[]): Promise<void> => {
    await channels.channel('a').publish(values);
    await turn();
  };

  it('pushes each event once, in order, and completes after the last one', async () => {
    await publish(1, 2);
    const { sink, source } = opened({ from: 'oldest', until: ({ data }) => data === 5 });
    expect([sink.seen, source.pulled]).toEqual([[1, 2], false]);
    await publish(3);
    await publish(4, 5, 6);
    expect(sink.seen).toEqual([1, 2, 3, 4, 5, 'end']);
    expect(channels.list()).toEqual([]);
  });

  it('passes nothing on after it was stopped, not even the rest of a batch', async () => {
    const { sink, running } = opened();
    sink.onEvent = () => sink.seen.length === 2 && running.unsubscribe();
    await publish(1, 2, 3);
    await publish(4);
    expect([sink.seen, channels.list()]).toEqual([[1, 2], []]);
    running.unsubscribe();
  });

  it('takes nothing while its consumer is not ready, and then continues where it was', async () => {
    const { sink } = opened();
    await publish(1);
    sink.ready = false;
    await publish(2);
    await publish(3);
    expect(sink.seen).toEqual([1]);
    await sink.makeReady();
    expect(sink.seen).toEqual([1, 2, 3]);
    await publish(4);
    expect(sink.seen).toEqual([1, 2, 3, 4]);
  });

  it('passes nothing on if it was stopped while its consumer was not ready', async () => {
    const { sink, running } = opened();
    sink.ready = false;
    await publish(1);
    running.unsubscribe();
    await sink.makeReady();
    expect(sink.seen).toEqual([]);
  });

  it('completes a consumer that was not ready when the channels were closed', async () => {
    const { sink } = opened();
    sink.ready = false;
    await publish(1);
    await channels.close();
    expect(sink.seen).toEqual([]);
    await sink.makeReady();
    expect(sink.seen).toEqual(['end']);
  });

  it('ends with the error of its filter, and no longer counts as a subscriber', async () => {
    const broken = new Error('filter');
    const { sink } = opened({
      filter: () => {
        throw broken;
      },
    });
    await publish(1);
    expect([sink.seen, channels.list()]).toEqual([[broken], []]);
  });

  it('is closed if it is discarded', async () => {
    const subscription = channels.channel('a').subscribe();
    subscription.take();
    expect(channels.channel('a').size()).toBe(1);
    new ChannelSource(subscription).discard();
    expect([channels.channel('a').size(), subscription.ended]).toEqual([0, true]);
  });
});
