import { createClient, type RedisClientType } from '@redis/client';
import * as fc from 'fast-check';
import { Channels, isGap, type ChannelSubscription } from 'nestjs-event-stream';
import { redisLog } from 'nestjs-event-stream/redis';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { until } from './viewer.js';

const NODES = 2;
const CHANNELS = 2;

/** A published event: the publishing node, the channel, and the number among these. */
type Value = readonly [node: number, channel: string, n: number];

/** A client that reads some channels, sometimes from another node, and checks the received events. */
class Reader {
  gaps = 0;
  here = true;
  readonly seen = new Set<string>();
  /** The published events, and the number of gaps until then. */
  readonly published = new Map<string, number>();
  private readonly last = new Map<string, number>();
  /** After a gap, events can be missing or repeated. The next one is not known. */
  private readonly open = new Set<string>();
  private lastId: string | undefined;
  private subscription: ChannelSubscription;
  private reading: Promise<void>;
  wrong: unknown;
  /** Missing events that no gap has reported yet. Only a node that knows of them can report them. */
  owed: string | undefined;

  constructor(
    private readonly names: readonly string[],
    node: Channels,
  ) {
    this.subscription = node.subscribe(names);
    this.reading = this.read();
  }

  async move(node: Channels): Promise<void> {
    await this.leave();
    this.here = true;
    this.subscription = node.subscribe(this.names, { after: this.lastId });
    this.reading = this.read();
  }

  get ready(): Promise<void> {
    return this.subscription.ready;
  }

  /** Disconnected until it moves to another node. */
  async leave(): Promise<void> {
    this.here = false;
    await this.ready;
    this.lastId ??= this.subscription.cursor;
    await this.subscription.return();
    await this.reading;
  }

  private async read(): Promise<void> {
    try {
      for await (const event of this.subscription) {
        this.lastId = event.id;
        if (!isGap(event)) this.take(event.data as Value);
        else {
          this.gaps++;
          this.owed = undefined;
          this.expectAnything();
        }
      }
    } catch (error) {
      this.wrong = error;
    }
  }

  private expectAnything(): void {
    for (const name of this.names) for (let node = 0; node < NODES; node++) this.open.add(`${node} ${name}`);
  }

  private take([node, name, n]: Value): void {
    const source = `${node} ${name}`;
    const before = this.last.get(source) ?? -1;
    if (!this.open.delete(source)) {
      expect([source, n, n > before]).toEqual([source, n, true]);
      // A gap that arrived after the missing event was published has reported it, whatever was repeated since.
      for (let missing = before + 1; missing < n; missing++) {
        if (this.gaps === this.published.get(`${source} ${missing}`)) this.owed ??= `${source} ${missing}`;
      }
    }
    this.last.set(source, n);
    this.seen.add(`${source} ${n}`);
  }
}

const step = fc.record({
  do: fc.constantFrom(
    ...['publish', 'publish', 'publish', 'publish', 'move', 'leave', 'wait', 'wait', 'cut', 'off', 'on'],
    ...['snapshot', 'restore', 'failover', 'split', 'no-log', 'no-meta', 'nothing', 'trim', 'hole'],
  ),
  node: fc.nat(NODES - 1),
  channel: fc.nat(CHANNELS - 1),
  count: fc.integer({ min: 1, max: 5 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const HARMLESS = new Set(['publish', 'move', 'leave', 'wait', 'cut', 'off', 'on', 'snapshot']);

await describeRedis('redisLog on a Redis that loses things', (url) => {
  const prefix = testPrefix();
  let admin: RedisClientType;
  let proxies: RedisProxy[];
  let nodes: Channels[];
  let runs = 0;

  beforeAll(async () => {
    admin = createClient({ url });
    await admin.connect();
    proxies = [await RedisProxy.start(url), await RedisProxy.start(url)];
    nodes = proxies.map(
      (proxy) => new Channels({ log: redisLog({ client: redisClient(proxy.url), prefix, waitMs: 30_000 }) }),
    );
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    for (const proxy of proxies) proxy.close();
    await removeKeys(url, prefix);
    admin.destroy();
  });

  const key = (name: string, what: string) => `${prefix}{${name}}:${what}`;

  /** Restores an older state, as a failover does. */
  async function restore(name: string, state: ReadonlyMap<string, string>): Promise<void> {
    const commands = admin.multi();
    for (const what of ['log', 'meta']) {
      const dumped = state.get(key(name, what));
      if (dumped === undefined) commands.del(key(name, what));
      else commands.addCommand(['RESTORE', key(name, what), '0', dumped as never, 'REPLACE']);
    }
    await commands.exec();
  }

  async function snapshot(name: string, states: Map<string, string>): Promise<void> {
    const bytes = admin.withTypeMapping({ 36: Buffer });
    for (const each of [key(name, 'log'), key(name, 'meta')]) {
      const dumped = (await bytes.dump(each)) as unknown as string | null;
      if (dumped === null) states.delete(each);
      else states.set(each, dumped);
    }
  }

  async function run(steps: readonly Step[]): Promise<{ readers: Reader[]; published: number[] }> {
    const names = Array.from({ length: CHANNELS }, (_, i) => `${runs}-${i}`);
    runs++;
    // Each node has a reader of each channel, so that each node knows the history.
    const readers = nodes.flatMap((node) =>
      [[names[0]!], [names[1]!], names].map((some) => new Reader(some, node)),
    );
    await Promise.all(readers.map(({ ready }) => ready));
    const count = new Map<string, number>();
    const pending: Promise<unknown>[] = [];
    const publish = (n: number, name: string, many: number) => {
      const from = count.get(`${n} ${name}`) ?? 0;
      count.set(`${n} ${name}`, from + many);
      const values = Array.from({ length: many }, (_, i): Value => [n, name, from + i]);
      for (const reader of readers)
        for (const [, , i] of values) reader.published.set(`${n} ${name} ${i}`, reader.gaps);
      const published = nodes[n]!.channel(name).publish(values);
      pending.push(published);
      return published;
    };
    const states = new Map<string, string>();
    for (const { do: what, node, channel, count: many } of steps) {
      const name = names[channel]!;
      const log = key(name, 'log');
      if (what === 'publish') void publish(node, name, many);
      else if (what === 'move') await readers[many % readers.length]!.move(nodes[node]!);
      else if (what === 'leave') await readers[many % 6]!.leave();
      else if (what === 'wait') await new Promise((resolve) => setTimeout(resolve, many));
      else if (what === 'cut') proxies[node]!.cut();
      else if (what === 'off' || what === 'on') {
        proxies[node]!.refuses = what === 'off';
        proxies[node]!.cut();
      } else if (what === 'no-log') await admin.del(log);
      else if (what === 'no-meta') await admin.del(key(name, 'meta'));
      else if (what === 'nothing') await admin.del([log, key(name, 'meta')]);
      else if (what === 'trim') await admin.xTrim(log, 'MAXLEN', many);
      else if (what === 'snapshot') await snapshot(name, states);
      else if (what === 'failover') {
        // The events of one node are lost, while the other node, which was cut off, publishes in their place.
        const [off, other] = [proxies[node]!, 1 - node];
        off.refuses = true;
        off.cut();
        proxies[other]!.refuses = false;
        await snapshot(name, states);
        await publish(other, name, 1);
        await restore(name, states);
        off.refuses = false;
        await publish(node, name, many);
      } else if (what === 'split') {
        // One node switches to the new master, while the old one acknowledges events of the other.
        const [late, early] = [proxies[node]!, proxies[1 - node]!];
        late.refuses = false;
        await publish(node, name, 1);
        const replica = new Map<string, string>();
        await snapshot(name, replica);
        await publish(node, name, many);
        const old = new Map<string, string>();
        await snapshot(name, old);
        late.refuses = true;
        late.cut();
        early.refuses = false;
        await restore(name, replica);
        await publish(1 - node, name, 1);
        await snapshot(name, replica);
        early.refuses = true;
        early.cut();
        await restore(name, old);
        late.refuses = false;
        await publish(node, name, many);
        await restore(name, replica);
        early.refuses = false;
        await publish(node, name, 1);
      } else if (what === 'restore') await restore(name, states);
      else if (what === 'hole') {
        const entries = (await admin.xRange(log, '-', '+')) ?? [];
        const entry = entries[many];
        if (entry && entries.length > many + 1) await admin.xDel(log, entry.id);
      }
    }
    for (const proxy of proxies) proxy.refuses = false;
    for (const reader of readers) if (!reader.here) await reader.move(nodes[0]!);
    await Promise.all(pending.splice(0));
    // Every client gets the last event, whatever happened before.
    const last: string[] = [];
    for (const name of names) {
      for (const n of nodes.keys()) {
        await publish(n, name, 1);
        last.push(`${n} ${name} ${count.get(`${n} ${name}`)! - 1}`);
      }
    }
    const done = ({ seen, wrong }: Reader, some: readonly string[]) =>
      wrong !== undefined ||
      last.every((each) => !some.some((name) => each.includes(name)) || seen.has(each));
    const wanted = nodes.flatMap(() => [[names[0]!], [names[1]!], names]);
    await until(() => readers.every((reader, i) => done(reader, wanted[i]!)));
    for (const reader of readers) {
      await reader.leave();
      if (reader.wrong !== undefined) throw reader.wrong;
      expect(reader.owed).toBeUndefined();
    }
    const of = (name: string) => nodes.reduce((sum, _, n) => sum + (count.get(`${n} ${name}`) ?? 0), 0);
    const each = names.map(of);
    return { readers, published: [...each, each.reduce((sum, many) => sum + many, 0)] };
  }

  it('no gap without a loss; after a loss, every client that misses something gets a gap, and all continue', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { readers, published } = await run(steps);
        if (!steps.every(({ do: what }) => HARMLESS.has(what))) return;
        expect(readers.map(({ gaps }) => gaps)).toEqual(readers.map(() => 0));
        expect(readers.map(({ seen }) => seen.size)).toEqual([...published, ...published]);
      }),
      { numRuns: 60 },
    );
  });
});
