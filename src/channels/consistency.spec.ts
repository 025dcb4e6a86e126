import fc from 'fast-check';
import { DelayedLog } from '../../test/contract/delayed-log.js';
import type { SseEvent } from '../events/sse-event.js';
import { Channels } from './channels.js';
import type { EventLog } from '../log/event-log.js';
import { memoryLog } from '../log/memory-log.js';
import type { ChannelSubscription } from './subscription.js';

const turn = () => new Promise(setImmediate);
const NAMES = ['a', 'b', 'c'];

/** The nodes of one application, on which the readers of a test publish and subscribe. */
interface Nodes {
  readonly nodes: readonly Channels[];
  readonly log: EventLog;
}

/** A client that reads some channels, leaves, resumes with the last id, and checks the events. */
class Reader {
  gaps = 0;
  received = 0;
  private subscription: ChannelSubscription;
  private readonly last = new Map<string, number>();
  private lastId: string | undefined;
  private afterGap = false;
  private parked = 0;

  constructor(
    private readonly names: readonly string[],
    private readonly nodes: readonly Channels[],
    private readonly published: ReadonlyMap<string, number>,
  ) {
    this.subscription = this.open(0);
    for (const name of names) this.last.set(name, 0);
  }

  /** Pulls the next events like an iterating handler. Events that are not there yet arrive later. */
  async next(count: number): Promise<void> {
    const { subscription } = this;
    for (let i = this.parked; i < count; i++) {
      this.parked++;
      void subscription.next().then(({ value }) => {
        this.parked--;
        if (value && subscription === this.subscription) this.take(value);
      });
    }
    await turn();
  }

  /** Takes the available events, like a connection. */
  takeBatch(): void {
    if (this.parked > 0) return;
    const batch = this.subscription.take();
    for (let i = 0; i < (batch?.size ?? 0); i++) this.take(batch?.event(i) as SseEvent);
  }

  async reconnect(node: number): Promise<void> {
    await this.subscription.ready;
    const cursor = this.lastId ?? this.subscription.cursor;
    const gone = this.subscription;
    this.subscription = this.open(node, cursor);
    await gone.return();
    await this.subscription.ready;
  }

  /** Whether the last published event has arrived. */
  get done(): boolean {
    return this.names.every((name) => this.last.get(name) === (this.published.get(name) ?? 0));
  }

  async finish(): Promise<void> {
    for (let rounds = 0; !this.done && rounds < 3000; rounds++) {
      this.takeBatch();
      await turn();
    }
    expect([...this.last]).toEqual(this.names.map((name) => [name, this.published.get(name) ?? 0]));
    await this.subscription.return();
  }

  get ready(): Promise<void> {
    return this.subscription.ready;
  }

  private open(node: number, after?: string): ChannelSubscription {
    const channels = this.nodes[node % this.nodes.length] as Channels;
    this.parked = 0;
    return channels.subscribe(this.names, { after });
  }

  private take({ type, id, data }: SseEvent): void {
    this.lastId = id;
    if (type === 'gap') {
      this.gaps++;
      this.afterGap = true;
      return;
    }
    this.received++;
    const [name, n] = data as [string, number];
    const before = this.last.get(name) ?? -1;
    if (this.afterGap) expect(n).toBeGreaterThan(before);
    else expect([name, n]).toEqual([name, before + 1]);
    this.last.set(name, n);
    // With several channels the gap may be in one of those that come later.
    if (this.names.length === 1) this.afterGap = false;
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('publish'),
      n: fc.nat(2),
      count: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('next'), n: fc.nat(3), count: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('batch'), n: fc.nat(3), count: fc.constant(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reconnect'), n: fc.nat(3), count: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turn'), n: fc.constant(0), count: fc.constant(0) }) },
);

/** Runs any interleaving and checks every reader: each event once and in order, or a gap between. */
async function check(
  { nodes, log }: Nodes,
  steps: { do: string; n: number; count: number }[],
): Promise<Reader[]> {
  const published = new Map<string, number>();
  const sets = [['a'], ['b'], ['a', 'b'], NAMES];
  const readers = sets.map((names) => new Reader(names, nodes, published));
  for (const reader of readers) await reader.ready;
  const publishing: Promise<unknown>[] = [];
  for (const { do: what, n, count } of steps) {
    const reader = readers[n] as Reader;
    if (what === 'publish') {
      const name = NAMES[n] ?? '';
      const last = published.get(name) ?? 0;
      published.set(name, last + count);
      const events = Array.from({ length: count }, (_, i) => [name, last + i + 1]);
      // One publisher per channel, so that its order is known.
      const channel = (nodes[n % nodes.length] as Channels).channel(name);
      if (count % 2) publishing.push(channel.publish(events));
      else for (const each of events) publishing.push(channel.publish([each]));
    } else if (what === 'next') await reader.next(count);
    else if (what === 'batch') reader.takeBatch();
    else if (what === 'reconnect') await reader.reconnect(count);
    else await turn();
  }
  await Promise.all(publishing);
  for (const reader of readers) await reader.finish();
  for (const node of nodes) expect(node.list()).toEqual([]);
  await log.close();
  return readers;
}

describe('every published event that is kept arrives exactly once, in order, or a gap is reported', () => {
  const steps = fc.array(step, { maxLength: 60 });

  it('without a gap if the log keeps all events', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const log = memoryLog({ maxEvents: 10_000 });
        const readers = await check({ log, nodes: [new Channels({ log })] }, given);
        expect(readers.map(({ gaps }) => gaps)).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: 150 },
    );
  });

  it('with a log that keeps few events', async () => {
    let gaps = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 20 }), async (given, maxEvents) => {
        const log = memoryLog({ maxEvents });
        for (const reader of await check({ log, nodes: [new Channels({ log })] }, given)) gaps += reader.gaps;
      }),
      { numRuns: 150 },
    );
    expect(gaps).toBeGreaterThan(0);
  });

  it('on two nodes with an asynchronous log', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 40 }), fc.nat(), async (given, maxEvents, seed) => {
        const log = memoryLog({ maxEvents });
        const nodes = [1, 2].map((n) => new Channels({ log: new DelayedLog(log, seed + n) }));
        await check({ log, nodes }, given);
      }),
      { numRuns: 60 },
    );
  });
});
