// Counts figures that do not depend on the machine, in its own process, for `counts.spec.ts`. Arguments: the library's
// entry, the adapter. The young generation must be large enough never to be collected (`--min-semi-space-size`), so
// that memory in use grows by the allocated bytes.
/* eslint-disable unicorn/require-post-message-target-origin -- that is of windows; a thread has no origin */
import 'reflect-metadata';
import { createHook } from 'node:async_hooks';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Controller, Module, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NEVER, Subject, startWith } from 'rxjs';
import { decorate } from '../../bench/servers/decorate.mjs';

const [library, adapter] = process.argv.slice(2);
const { Channels, Sse, SseModule } = await import(library);

const IDLE = 500;
const TURNS = 100;
const PER_TURN = 16;
const FAN_OUT = 20;
const GENERATED = 10_000;
const MANY = 3000;
/** The queue of connections that are not yet accepted is short. */
const OPENED_AT_ONCE = 250;

const subject = new Subject();
let channel;

async function* counter(events) {
  for (let value = 0; value < events; value++)
    yield { type: 'counter', value, text: 'some 60 bytes of JSON' };
}

class Streams {
  subscribe() {
    return subject;
  }
  channel() {
    return channel.subscribe();
  }
  generator(events) {
    return counter(Number(events));
  }
  first() {
    return subject.pipe(startWith({ data: 'ready' }));
  }
  idle() {
    return NEVER;
  }
}
decorate(Streams, 'subscribe', [Sse('subscribe')]);
decorate(Streams, 'channel', [Sse('channel')]);
decorate(Streams, 'generator', [Sse('generator')], [Query('events')]);
decorate(Streams, 'first', [Sse('first')]);
decorate(Streams, 'idle', [Sse('idle')]);
Controller()(Streams);

class Application {}
Module({ imports: [SseModule.forRoot()], controllers: [Streams] })(Application);
const platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(Application, platform, { logger: false });
await app.listen(0, '127.0.0.1');
const { port } = app.getHttpServer().address();
channel = app.get(Channels).channel('events');

const writes = countWrites(app.getHttpServer());
const promises = countPromises();
const timers = countTimers();
const worker = new Worker(new URL('clients.worker.mjs', import.meta.url));

const counts = {
  writesForHeadAndFirstEvent: await headAndFirstEvent(),
  subject: await fanOut('subscribe', (value) => subject.next({ data: value }), 1),
  channel: await fanOut('channel', (value) => void channel.publish(value), FAN_OUT),
  channelOfOne: await fanOut('channel', (value) => void channel.publish(value), 1),
  generator: await generated(),
  idle: await idle(),
  many: await many(),
};
await worker.terminate();
await app.close();
console.log(JSON.stringify(counts));

async function headAndFirstEvent() {
  await ask('open', { port, path: '/first', count: 1 });
  await ask('received', { events: 1 });
  await ask('close');
  return writes.take();
}

/** `PER_TURN` events in each of `TURNS` turns: the cost for each connection, and for each event. */
async function fanOut(path, publish, connections) {
  await ask('open', { port, path: `/${path}`, count: connections });
  writes.take();
  promises.take();
  const { heapUsed } = process.memoryUsage();
  await new Promise((resolve) => {
    let turns = 0;
    const turn = () => {
      for (let i = 0; i < PER_TURN; i++) publish({ turn: turns, i });
      if (++turns < TURNS) setImmediate(turn);
      else resolve();
    };
    setImmediate(turn);
  });
  await ask('received', { events: TURNS * PER_TURN });
  const result = {
    bytesAllocatedPerDelivery: (process.memoryUsage().heapUsed - heapUsed) / (TURNS * PER_TURN * connections),
    writesPerTurn: writes.take() / TURNS / connections,
    promisesPerEvent: promises.take() / (TURNS * PER_TURN),
  };
  await ask('close');
  return result;
}

async function generated() {
  promises.take();
  for await (const event of counter(GENERATED)) if (!event) return undefined;
  const bare = promises.take();
  await ask('open', { port, path: `/generator?events=${GENERATED}`, count: 1 });
  await ask('received', { events: GENERATED });
  const result = {
    writesPerEvent: writes.take() / GENERATED,
    promisesPerEventOverBare: (promises.take() - bare) / GENERATED,
  };
  await ask('close');
  return result;
}

async function idle() {
  // The first connections compile the code, whose memory belongs to no connection.
  for (let i = 0; i < 2; i++) {
    await ask('open', { port, path: '/idle', count: IDLE });
    await ask('close');
  }
  promises.stop();
  const before = { heap: await usedHeap(), timers: timers.alive() };
  await ask('open', { port, path: '/idle', count: IDLE });
  const open = { heap: await usedHeap(), timers: timers.alive() };
  await ask('close');
  const after = { heap: await usedHeap(), timers: timers.alive() };
  return {
    bytesPerConnection: (open.heap - before.heap) / IDLE,
    bytesLeftPerConnection: (after.heap - before.heap) / IDLE,
    timers: open.timers - before.timers,
    timersLeft: after.timers - before.timers,
  };
}

/** One event for very many connections, twice: the number of writes, how many of them in one turn, and their order. */
async function many() {
  for (let opened = 0; opened < MANY; opened += OPENED_AT_ONCE) {
    await ask('open', { port, path: '/channel', count: OPENED_AT_ONCE });
  }
  const first = await writesOfOneEvent(1);
  const second = await writesOfOneEvent(2);
  await ask('close');
  return {
    connections: MANY,
    connectionsWrittenTo: new Set(first.order).size,
    writes: first.order.length,
    mostWritesInOneTurn: Math.max(first.most, second.most),
    sameOrder: first.order.join() === second.order.join(),
  };
}

async function writesOfOneEvent(number) {
  writes.take();
  writes.takeOrder();
  let most = 0;
  let watching = true;
  // Scheduled before the library defers work to the same turn, so this runs first.
  const turn = () => {
    most = Math.max(most, writes.take());
    if (watching) setImmediate(turn);
  };
  await new Promise((resolve) =>
    setImmediate(() => {
      setImmediate(turn);
      void channel.publish(number);
      resolve();
    }),
  );
  await ask('received', { events: number });
  watching = false;
  return { most: Math.max(most, writes.take()), order: writes.takeOrder() };
}

async function ask(command, args) {
  worker.postMessage({ command, args });
  await once(worker, 'message');
}

async function usedHeap() {
  // Memory that finalizers release is freed in a later collection.
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

/** Writes as the operating system sees them: calls of the handle below each socket of the server. */
function countWrites(server) {
  let count = 0;
  // Wrapped from the first request on, so that it does not count in the measured memory.
  let order;
  let sockets = 0;
  server.on('connection', (socket) => {
    const handle = socket._handle;
    const number = sockets++;
    for (const name of [
      'writev',
      'writeBuffer',
      'writeUtf8String',
      'writeLatin1String',
      'writeAsciiString',
    ]) {
      const write = handle[name];
      handle[name] = (...args) => {
        count++;
        order?.push(number);
        return write.apply(handle, args);
      };
    }
  });
  return { take: () => [count, (count = 0)][0], takeOrder: () => [order, (order = [])][0] };
}

function countPromises() {
  let count = 0;
  const hook = createHook({
    init(id, type) {
      if (type === 'PROMISE') count++;
    },
  }).enable();
  return { take: () => [count, (count = 0)][0], stop: () => hook.disable() };
}

function countTimers() {
  const alive = new Set();
  createHook({
    init(id, type) {
      if (type === 'Timeout') alive.add(id);
    },
    destroy: (id) => alive.delete(id),
  }).enable();
  return { alive: () => alive.size };
}
