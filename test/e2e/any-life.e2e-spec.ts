import { Controller, Param, RequestMethod } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import * as fc from 'fast-check';
import { connect, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { Observable } from 'rxjs';
import { Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

/** The steps of a source. */
type Step =
  { do: 'value' | 'large' | 'turn' | 'timer' | 'nothing' } | { do: 'throw' | 'unwritable' | 'close' };

/** The life of one stream: its source, and the moment at which its client leaves. */
interface Life {
  source: 'generator' | 'sync' | 'observable' | 'readable' | 'promised';
  setupTurns: number;
  steps: Step[];
  yieldsInFinally: number;
  leaves: 'never' | 'at once' | 'after the head' | 'after some' | 'half';
  reads: boolean;
  eventSource: boolean;
}

const life: fc.Arbitrary<Life> = fc.record({
  source: fc.constantFrom('generator', 'sync', 'observable', 'readable', 'promised'),
  setupTurns: fc.nat({ max: 3 }),
  steps: fc.array(
    fc.record({
      do: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom('value', 'turn', 'timer', 'nothing') },
        { weight: 2, arbitrary: fc.constantFrom('large') },
        { weight: 1, arbitrary: fc.constantFrom('throw', 'unwritable', 'close') },
      ),
    }) as fc.Arbitrary<Step>,
    { maxLength: 12 },
  ),
  yieldsInFinally: fc.nat({ max: 2 }),
  leaves: fc.constantFrom('never', 'at once', 'after the head', 'after some', 'half'),
  reads: fc.boolean(),
  eventSource: fc.boolean(),
});

let runs = 0;
const lives = new Map<string, Life>();
const started = new Set<string>();
const released: string[] = [];

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

function valueOf(step: Step): unknown {
  if (step.do === 'large') return 'x'.repeat(300_000);
  if (step.do === 'unwritable') return 1n;
  if (step.do === 'throw') throw new Error('of the source');
  return step.do === 'value' ? { some: 'value' } : undefined;
}

async function* generator(id: string, { steps, yieldsInFinally }: Life, close: () => void) {
  started.add(id);
  try {
    for (const step of steps) {
      if (step.do === 'turn') await turn();
      else if (step.do === 'timer') await soon();
      else if (step.do === 'close') close();
      else yield valueOf(step);
    }
  } finally {
    try {
      for (let i = 0; i < yieldsInFinally; i++) yield `goodbye ${i}`;
    } finally {
      // A client that leaves while the source writes its last words ends this block, too: `return()` does that.
      released.push(id);
    }
  }
}

function* sync(id: string, { steps, yieldsInFinally }: Life, close: () => void) {
  started.add(id);
  try {
    for (const step of steps) {
      if (step.do === 'close') close();
      yield valueOf(step);
    }
  } finally {
    try {
      for (let i = 0; i < yieldsInFinally; i++) yield `goodbye ${i}`;
    } finally {
      // A client that leaves while the source writes its last words ends this block, too: `return()` does that.
      released.push(id);
    }
  }
}

function observable(id: string, { steps }: Life, close: () => void) {
  return new Observable((subscriber) => {
    started.add(id);
    void (async () => {
      try {
        for (const step of steps) {
          if (subscriber.closed) return;
          if (step.do === 'turn') await turn();
          else if (step.do === 'timer') await soon();
          else if (step.do === 'close') close();
          else subscriber.next(valueOf(step));
        }
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    })();
    return () => released.push(id);
  });
}

@Controller()
class LifeController {
  constructor(private readonly connections: SseConnections) {}

  @Sse('life/:id', { method: RequestMethod.GET, heartbeat: 5, openAfterMs: 2, stallMs: 60_000 })
  life(@Param('id') id: string, @SseSignal() _signal: AbortSignal): unknown {
    const one = lives.get(id) as Life;
    const path = `/life/${id}`;
    const close = (): void =>
      void this.connections.closeWhere(({ request }) => (request as { url: string }).url === path);
    const make = (): unknown => {
      if (one.source === 'sync') return sync(id, one, close);
      if (one.source === 'observable') return observable(id, one, close);
      // Node does not drain a generator that yields while its stream is destroyed.
      if (one.source === 'readable')
        return Readable.from(generator(id, { ...one, yieldsInFinally: 0 }, close));
      return generator(id, one, close);
    };
    if (one.source !== 'promised') return make();
    return (async () => {
      for (let i = 0; i < one.setupTurns; i++) await turn();
      return make();
    })();
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    let port: number;
    const logger = new RecordingLogger();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    beforeAll(async () => {
      app = await makeApp(adapter, { controllers: [LifeController], logger, setUp });
      port = Number(new URL(await app.getUrl()).port);
      process.on('unhandledRejection', onUncaught).on('uncaughtException', onUncaught);
    });
    afterAll(async () => {
      process.off('unhandledRejection', onUncaught).off('uncaughtException', onUncaught);
      await closeApps();
    });

    /** Runs one life from the client's side, and returns the received text. */
    const live = (id: string, { leaves, reads, eventSource }: Life): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1');
        const cacheControl = eventSource ? 'Cache-Control: no-cache\r\n' : '';
        let received = '';
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(received));
        socket.setTimeout(10_000, () => reject(new Error(`no end: ${received.slice(-300)}`)));
        if (leaves === 'half') {
          socket.resume().end(`GET /life/${id} HTT`);
          return;
        }
        socket.write(`GET /life/${id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${cacheControl}\r\n`);
        if (leaves === 'at once') setImmediate(() => socket.destroy());
        if (!reads && leaves !== 'never') {
          setTimeout(() => socket.destroy(), 3);
          return;
        }
        socket.on('data', (chunk: Buffer) => {
          received += chunk.toString();
          const leave =
            leaves === 'after the head' || (leaves === 'after some' && received.includes('data: '));
          if (leave) socket.resetAndDestroy();
        });
      });

    /** Waits until the server has this many connections. A client may leave before the server has noticed it. */
    const sockets = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const server = app.getHttpServer() as Server;
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      });

    it('whatever a source and its client do, each source is released once and nothing remains', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 8 }), async (group) => {
          const ids = group.map((one) => {
            const id = String(runs++);
            lives.set(id, one);
            return id;
          });
          const bodies = await Promise.all(ids.map((id) => live(id, lives.get(id) as Life)));
          const connections = app.get(SseConnections);
          while ((await sockets()) > 0) await turn();
          await until(() => connections.count() === 0, 'no connection');
          await until(
            () => ids.every((id) => !started.has(id) || released.includes(id)),
            'the release of all',
          );
          await turn();
          expect(connections.timers.size).toBe(0);
          expect(uncaught).toEqual([]);
          for (const id of ids) expect(released.filter((one) => one === id).length).toBeLessThanOrEqual(1);
          for (const [i, body] of bodies.entries()) {
            if (group[i]?.leaves !== 'never') continue;
            // A complete response: an HTTP error, or a chunked body with its last chunk.
            expect(body).toMatch(/^HTTP\/1\.1 (500 |200 OK[^]*\r\n0\r\n\r\n$)/);
          }
        }),
        { numRuns: 60 },
      );
    });
  }),
);
