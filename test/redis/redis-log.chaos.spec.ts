import { Channels } from 'nestjs-event-stream';
import { redisLog } from 'nestjs-event-stream/redis';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { until } from './viewer.js';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const ROUNDS = 12;

/** A client that reconnects to a random node with its last event ID. */
class Client {
  readonly seen: string[] = [];
  private lastId: string | undefined;
  private stop = new AbortController();
  private running: Promise<void>;

  constructor(
    private readonly nodes: readonly Channels[],
    private readonly names: readonly string[],
  ) {
    this.running = this.run();
  }

  async reconnect(): Promise<void> {
    this.stop.abort();
    await this.running;
    this.stop = new AbortController();
    this.running = this.run();
  }

  async leave(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const node = this.nodes[Math.floor(Math.random() * this.nodes.length)] as Channels;
    const { signal } = this.stop;
    const subscription = node.subscribe(this.names, { after: this.lastId, from: 'oldest', signal });
    for await (const { id, type, data } of subscription) {
      this.lastId = id;
      this.seen.push(type === 'gap' ? 'gap' : String(data));
    }
  }
}

describeRedisServer('redisLog in adversity', () => {
  it('gives every client every event once, in order, on every node', async () => {
    const server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    const proxies = await Promise.all([0, 1, 2].map(async () => RedisProxy.start(server.url)));
    const nodes = proxies.map(
      ({ url }) =>
        new Channels({
          log: redisLog({
            client: redisClient(url),
            waitMs: 60_000,
            pingMs: 200,
            maxEvents: 100_000,
            maxBytes: false,
          }),
        }),
    );
    const clients = [...NAMES.map((name) => [name]), NAMES, NAMES.slice(0, 2)].map(
      (names) => new Client(nodes, names),
    );
    const published = new Map(NAMES.map((name) => [name, 0]));
    let publishing = true;
    const publishers = NAMES.map(async (name, i) => {
      for (let n = 0; publishing; n++) {
        const count = 1 + (n % 3);
        const from = published.get(name) ?? 0;
        // One publisher for each channel, on changing nodes, so that the order of acknowledged events is known.
        await nodes[(n + i) % 3]!.channel(name).publish(
          Array.from({ length: count }, (_, k) => `${name}${from + k}`),
        );
        published.set(name, from + count);
      }
    });
    const total = () => [...published.values()].reduce((sum, count) => sum + count, 0);
    for (let round = 0; round < ROUNDS; round++) {
      const goal = total() + 100;
      await until(() => total() >= goal);
      await trouble[round % trouble.length]!(server, proxies[round % 3] as RedisProxy);
      await clients[round % clients.length]!.reconnect();
    }
    publishing = false;
    await Promise.all(publishers);
    for (const [i, client] of clients.entries()) {
      const names = [...NAMES.map((name) => [name]), NAMES, NAMES.slice(0, 2)][i] as string[];
      const wanted = names.reduce((sum, name) => sum + (published.get(name) ?? 0), 0);
      await until(() => client.seen.length >= wanted);
      await client.leave();
      for (const name of names) {
        const expected = Array.from({ length: published.get(name) ?? 0 }, (_, n) => `${name}${n}`);
        expect(client.seen.filter((seen) => seen.startsWith(name))).toEqual(expected);
      }
      expect(client.seen.length).toBe(wanted);
    }
    await Promise.all(nodes.map((node) => node.close()));
    for (const proxy of proxies) proxy.close();
    await server.remove();
  }, 60_000);
});

const trouble: ((server: RedisServer, proxy: RedisProxy) => unknown)[] = [
  (_server, proxy) => proxy.cut(),
  (_server, proxy) => (proxy.answersLeft = 2),
  async (server) => {
    await server.kill();
    await server.start();
  },
  (server) => server.ask('SCRIPT FLUSH', '+OK'),
  (server) => server.ask('CLIENT KILL TYPE pubsub', ':'),
  (server, proxy) => {
    server.freeze();
    proxy.cut();
    setTimeout(() => server.resume(), 300);
  },
  (server) => server.ask('CLIENT PAUSE 200 WRITE', '+OK'),
];
