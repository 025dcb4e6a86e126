// The server under test: an application in its own process, controlled by the other one.
import 'reflect-metadata';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Channels, SseConnections, SseModule, memoryLog, type SseModuleOptions } from 'nestjs-event-stream';
import { Feed, StreamsController } from './controllers.js';
import type { Answer, Call, Commands, PublishOrder, Published, Stats } from './protocol.js';

const [adapter = 'express', optionsText = '{}', protocol = 'http1'] = process.argv.slice(2);
const options = JSON.parse(optionsText) as SseModuleOptions;
const complaints: string[] = [];
let cutOffs = 0;
let closing = false;

@Module({
  imports: [SseModule.forRoot({ log: memoryLog({ maxEvents: 500 }), ...options })],
  controllers: [StreamsController],
  providers: [Feed],
})
class FaultsModule {}

const complain = (kind: string) => (what: unknown) => {
  complaints.push(`${kind}: ${what instanceof Error ? (what.stack ?? what.message) : String(what)}`);
};
process.on('warning', complain('warning'));
process.on('unhandledRejection', complain('unhandled rejection'));
process.on('uncaughtException', complain('uncaught exception'));
const quiet = (): void => undefined;
const logger = {
  log: quiet,
  debug: quiet,
  verbose: quiet,
  warn: (message: unknown): void => {
    const text = String(message);
    if (text.includes(' was cut off, because its client was too slow: ')) cutOffs++;
    else if (text.startsWith('More connections were cut off '))
      for (const [, more] of text.matchAll(/(\d+) by "/g)) cutOffs += Number(more);
    else complain('log')(message);
  },
  error: complain('log'),
  fatal: complain('log'),
};

const platform =
  adapter === 'fastify'
    ? new FastifyAdapter((protocol === 'http2' ? { http2: true } : {}) as never)
    : new ExpressAdapter();
const app: INestApplication = await NestFactory.create(FaultsModule, platform as never, {
  logger,
  abortOnError: false,
}).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
await app.listen(0, '0.0.0.0').catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
const server = app.getHttpServer() as Server;
const connections = app.get(SseConnections);

const commands: Commands = { stats, publish, close };

async function close(): Promise<{ tookMs: number; left: string[] }> {
  const start = performance.now();
  closing = true;
  await app.close();
  const tookMs = performance.now() - start;
  // The sockets that were closed last disappear after a turn or two.
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
  // Only the channel to the other process may still keep this one alive.
  const left = process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap');
  setImmediate(() => process.disconnect());
  return { tookMs, left };
}

function stats(tidy = false): Stats {
  if (tidy) global.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const open = connections.list();
  const emitters = [process, server];
  return {
    connections: open.length,
    slots: (connections.slots as unknown as { size: number }).size,
    sockets: process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length,
    queuedBytes: open.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0),
    dropped: open.reduce((sum, { dropped }) => sum + dropped, 0),
    heapBytes: heapUsed,
    rssBytes: rss,
    handles: process.getActiveResourcesInfo().length,
    listeners: emitters.reduce(
      (sum, emitter) =>
        sum + emitter.eventNames().reduce((all, name) => all + emitter.listenerCount(name), 0),
      0,
    ),
    complaints,
    cutOffs,
  };
}

async function publish({
  to,
  count,
  bytes,
  perTurn,
  everyMs,
  tidy = false,
}: PublishOrder): Promise<Published> {
  const channel = app.get(Channels).channel('faults');
  const { subject } = app.get(Feed);
  global.gc?.();
  const before = process.memoryUsage();
  let [rss, heap, buffers] = [before.rss, before.heapUsed, before.arrayBuffers];
  const start = performance.now();
  for (let i = 0; i < count;) {
    for (let turn = 0; turn < perTurn && i < count; turn++, i++) {
      const text = `${process.hrtime.bigint()} ${i} `.padEnd(bytes, 'x');
      if (to === 'subject') subject.next(text);
      else await channel.publish(text);
    }
    if (tidy && i % 500 === 0) global.gc?.();
    const now = !tidy || i % 500 === 0 ? process.memoryUsage() : before;
    rss = Math.max(rss, now.rss);
    heap = Math.max(heap, now.heapUsed);
    buffers = Math.max(buffers, now.arrayBuffers);
    await new Promise<void>((resolve) =>
      everyMs === 0 ? setImmediate(resolve) : setTimeout(resolve, everyMs),
    );
  }
  return {
    tookMs: performance.now() - start,
    peakRssBytes: rss - before.rss,
    peakHeapBytes: heap - before.heapUsed,
    peakBufferBytes: buffers - before.arrayBuffers,
  };
}

process.on('message', (call: Call) => {
  const answer = (rest: Omit<Answer, 'id'>): void =>
    void process.send?.({ id: call.id, ...rest } satisfies Answer);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- which one it is, the name says
  Promise.resolve(Reflect.apply(commands[call.name] as Function, commands, call.args) as unknown).then(
    (value) => answer({ value }),
    (error: unknown) => answer({ error: String(error) }),
  );
});
// Without the other process nothing would end this one.
process.on('disconnect', () => {
  if (!closing) process.exit(1);
});
process.send?.({ port: (server.address() as AddressInfo).port });
