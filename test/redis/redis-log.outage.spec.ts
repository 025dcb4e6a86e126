import { Channels, event, type SseError } from 'nestjs-event-stream';
import { redisLog, redisSlots, type RedisLog, type RedisLogOptions } from 'nestjs-event-stream/redis';
import { readFileSync } from 'node:fs';
import { ManualClock } from '../fixtures/manual-clock.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedisServer } from '../fixtures/redis.js';
import { RedisProxy } from '../fixtures/redis-proxy.js';
import { RedisServer } from '../fixtures/redis-server.js';
import { publishWhileBlocked } from '../fixtures/blocked.js';
import { Viewer, until } from './viewer.js';

/** `everysec` is not enough: while the disk is busy, Redis answers before it has written. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

describeRedisServer('redisLog while its Redis is away', () => {
  let server: RedisServer;
  const closing: Channels[] = [];

  function node(options: Partial<RedisLogOptions> = {}): { log: RedisLog; channels: Channels } {
    const log = redisLog({ client: redisClient(server.url), waitMs: 30_000, ...options });
    const channels = new Channels({ log });
    closing.push(channels);
    return { log, channels };
  }

  async function start(...options: string[]): Promise<void> {
    server = await RedisServer.start(...options);
  }

  afterEach(async () => {
    await Promise.all(closing.splice(0).map((channels) => channels.close()));
    await server.remove();
  });

  it('loses and repeats nothing over restarts with data, published and viewed on two nodes', async () => {
    await start(...DURABLE);
    const [a, b] = [node(), node()];
    const viewers = [a, b, b].map(({ channels }) => new Viewer(channels, 'c'));
    await Promise.all(viewers.map(({ ready }) => ready));
    const publish = async (channels: Channels, from: number) => {
      for (const n of numbers(from, 300)) await channels.channel('c').publish(n);
    };
    const publishing = [publish(a.channels, 0), publish(b.channels, 1000)];
    for (const mark of [20, 100, 180]) {
      await until(() => viewers[0]!.seen.length > mark);
      await server.kill();
      await until(() => a.log.health().status === 'down' && b.log.health().status === 'down');
      await server.start();
    }
    await Promise.all(publishing);
    for (const viewer of viewers) await Promise.all([viewer.until(299), viewer.until(1299)]);
    const [first, ...others] = viewers.map(({ seen }) => seen as number[]);
    expect(first!.filter((n) => n < 1000)).toEqual(numbers(0, 300));
    expect(first!.filter((n) => n >= 1000)).toEqual(numbers(1000, 300));
    for (const other of others) expect(other).toEqual(first);
    await until(() => a.log.health().status === 'up' && b.log.health().status === 'up');
  });

  it('a restart with data keeps positions; without data they are a gap, and new events arrive', async () => {
    await start(...DURABLE);
    const { channels, log } = node();
    const ids = await channels.channel('c').publish([1, 2, 3]);
    await server.kill();
    await server.start();
    const kept = new Viewer(channels, 'c', { after: ids[0] as string });
    await kept.until(3);
    expect(kept.seen).toEqual([2, 3]);
    await server.lose();
    await until(() => log.health().status === 'down');
    const offline = new Viewer(channels, 'c', { after: ids[2] as string });
    await server.start();
    await Promise.all([kept.until('gap'), offline.until('gap')]);
    await channels.channel('c').publish(4);
    await Promise.all([kept.until(4), offline.until(4)]);
    expect([kept.seen, offline.seen]).toEqual([
      [2, 3, 'gap', 4],
      ['gap', 4],
    ]);
  });

  it('a restored older state is a gap for all clients, also for those that had not seen the lost events', async () => {
    await start();
    const [a, b] = [node(), node()];
    await a.channels.channel('c').publish([1, 2]);
    const ids = await a.channels.channel('c').publish([3, 4]);
    await b.log.tail('c');
    await server.save();
    await a.channels.channel('c').publish([5, 6]);
    await server.kill();
    await server.start();
    const behind = new Viewer(b.channels, 'c', { after: ids[0] as string });
    await behind.until(4);
    await a.channels.channel('c').publish(7);
    await behind.until(7);
    // It had 4 already when 5 and 6 were found lost. All kept events follow the gap.
    expect(behind.seen).toEqual([4, 'gap', 1, 2, 3, 4, 7]);
  });

  it('a restored older state is a gap also if a node that does not know it publishes first', async () => {
    await start();
    const proxy = await RedisProxy.start(server.url);
    const [a, b] = [node({ client: redisClient(proxy.url) }), node()];
    const ids = await a.channels.channel('c').publish([1, 2]);
    await server.save();
    const viewer = new Viewer(a.channels, 'c', { after: ids[0] as string });
    await a.channels.channel('c').publish([3, 4]);
    await viewer.until(4);
    proxy.refuses = true;
    proxy.cut();
    await server.kill();
    await server.start();
    // In the places of 3 and 4, which this node does not know, and after them.
    await b.channels.channel('c').publish([5, 6]);
    await b.channels.channel('c').publish(7);
    proxy.refuses = false;
    await viewer.until(7);
    expect(viewer.seen).toEqual([2, 3, 4, 'gap', 1, 2, 5, 6, 7]);
    // A client that had not seen them misses them, too.
    const late = new Viewer(b.channels, 'c', { after: ids[1] as string });
    await late.until(7);
    expect(late.seen).toEqual(['gap', 1, 2, 5, 6, 7]);
    proxy.close();
  });

  it('a rejected publish is never published, though others waited together with it', async () => {
    await start(...DURABLE);
    const clock = new ManualClock();
    const { channels, log } = node({ waitMs: 5000, clock });
    await channels.channel('c').publish(1);
    await server.kill();
    await until(() => log.health().status === 'down');
    const refused = channels.channel('c').publish(['x', 'y']);
    const other = channels.channel('c').publish(2);
    clock.advance(4000);
    const later = channels.channel('c').publish(3);
    const waits = expect(Promise.all([refused, other].map((call) => call.catch(String)))).resolves.toEqual(
      Array(2).fill(expect.stringContaining('It was not published')),
    );
    clock.advance(1000);
    await waits;
    await server.start();
    await later;
    const viewer = new Viewer(channels, 'c', { from: 'oldest' });
    await viewer.until(3);
    expect(viewer.seen).toEqual([1, 3]);
  });

  it('a publish fails after waitMs, or at once without it; it does not appear later', async () => {
    await start(...DURABLE);
    const [patient, hasty] = [node({ waitMs: 2000 }), node({ waitMs: false })];
    await Promise.all([patient.channels.channel('c').publish(1), hasty.channels.channel('c').publish(2)]);
    await server.kill();
    await until(() => [patient, hasty].every(({ log }) => log.health().status === 'down'));
    const refused = patient.channels.channel('c').publish('y');
    const waits = node().channels.channel('c').publish(3);
    let order = '';
    void refused.catch(() => (order += 'patient'));
    await expect(hasty.channels.channel('c').publish('x')).rejects.toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
    });
    order += 'hasty, ';
    const error = (await refused.catch((reason: unknown) => reason)) as SseError;
    expect([error.code, order]).toEqual(['SSE_LOG_UNAVAILABLE', 'hasty, patient']);
    expect(error.message).toContain('It was not published');
    await server.start();
    await waits;
    await until(() => patient.log.health().status === 'up');
    await patient.channels.channel('c').publish(4);
    const viewer = new Viewer(patient.channels, 'c', { from: 'oldest' });
    await viewer.until(4);
    expect(new Set(viewer.seen)).toEqual(new Set([1, 2, 3, 4]));
  });

  it('a publish is not rejected if its answer has arrived while this process was suspended', async () => {
    await start();
    const { channels } = node({ waitMs: 3000 });
    await publishWhileBlocked(channels.channel('blocked'));
  });

  it('a suspended Redis is disconnected and connected again; nothing is lost or repeated', async () => {
    await start();
    const { channels, log } = node({ pingMs: 50 });
    const viewer = new Viewer(channels, 'c');
    await viewer.ready;
    await channels.channel('c').publish(0);
    server.freeze();
    const publishing = Promise.all(numbers(1, 50).map(async (n) => channels.channel('c').publish(n)));
    await until(() => log.health().status === 'down');
    server.resume();
    await publishing;
    await viewer.until(50);
    expect(viewer.seen).toEqual(numbers(0, 51));
  });

  it('a Redis that has become a replica is asked again over new connections, until it is a master', async () => {
    await start();
    const { channels, log } = node();
    const viewer = new Viewer(channels, 'c');
    await viewer.ready;
    await channels.channel('c').publish(0);
    await server.ask('REPLICAOF 127.0.0.1 1', '+OK');
    const publishing = Promise.all(numbers(1, 20).map(async (n) => channels.channel('c').publish(n)));
    await until(() => log.health().status === 'down');
    await server.ask('REPLICAOF NO ONE', '+OK');
    await publishing;
    await viewer.until(20);
    expect(viewer.seen).toEqual(numbers(0, 21));
  });

  it('a paused Redis delays events, and loses and repeats nothing', async () => {
    await start();
    const { channels } = node();
    const viewer = new Viewer(channels, 'c');
    await viewer.ready;
    await channels.channel('c').publish(0);
    await server.ask('CLIENT PAUSE 300 ALL', '+OK');
    await Promise.all(numbers(1, 20).map(async (n) => channels.channel('c').publish(n)));
    await viewer.until(20);
    expect(viewer.seen).toEqual(numbers(0, 21));
  });

  it('the first command waits until Redis is available, like any other', async () => {
    await start();
    await server.kill();
    const { channels, log } = node();
    const viewer = new Viewer(channels, 'c');
    const published = channels.channel('c').publish(1);
    await expect(log.ready()).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    await expect(Promise.resolve(log.tail('c'))).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    await server.start();
    await viewer.ready;
    await published;
    await channels.channel('c').publish(2);
    await viewer.until(2);
    expect(viewer.seen.at(-1)).toBe(2);
  });

  it('a full Redis rejects publishes with the reason, and continues to serve viewers', async () => {
    await start();
    const { channels, log } = node({ waitMs: 5000 });
    await log.ready();
    const id = await channels.channel('c').publish(1);
    await channels.channel('c').publish(2);
    await server.ask('CONFIG SET maxmemory 1', '+OK');
    await expect(channels.channel('c').publish(3)).rejects.toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringContaining('OOM') as string,
    });
    const viewer = new Viewer(channels, 'c', { after: id });
    await viewer.until(2);
    await server.ask('CONFIG SET maxmemory 0', '+OK');
    await channels.channel('c').publish(4);
    await viewer.until(4);
    expect(viewer.seen).toEqual([2, 4]);
  });

  it('needs no permissions beyond those in docs/redis.md', async () => {
    await start();
    const page = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');
    const rights = /(\+@stream[^`]*)`/.exec(page)?.[1]?.replace(/\s+/g, ' ') ?? '';
    await server.ask(`ACL SETUSER sse on >secret ${rights} ~shop:* &shop:*`, '+OK');
    const client = redisClient(`redis://sse:secret@127.0.0.1:${server.port}`);
    const { channels } = node({ client, prefix: 'shop:', maxBytes: 100 });
    const viewer = new Viewer(channels, 'c');
    await viewer.ready;
    for (const n of numbers(0, 20)) await channels.channel('c').publish(event({ id: `${n}`, data: n }));
    await viewer.until(19);
    await viewer.leave();
    const again = new Viewer(channels, 'c', { after: '18' });
    await again.until(19);
    const slots = redisSlots({ client, prefix: 'shop:', leaseMs: 3000 });
    const request = { key: 'k', max: 1, onReplaced: () => undefined };
    const answer = await slots.acquire([{ ...request, replaceOldest: false }]);
    expect(await slots.acquire([{ ...request, replaceOldest: false }])).toHaveProperty('full');
    expect(await slots.acquire([{ ...request, replaceOldest: true }])).toHaveProperty('slot');
    // Long enough for a renewal.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    if ('slot' in answer) answer.slot.release();
    await slots.close();
    await server.ask('ACL LOG', '*0');
    const strange = node({ client, prefix: 'other:' });
    await expect(strange.channels.channel('c').publish(1)).rejects.toThrow('NOPERM');
  });
});
