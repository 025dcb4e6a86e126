import { Controller, Injectable, UseGuards, type CanActivate, type INestApplication } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { concat, NEVER, of } from 'rxjs';
import { Sse, SseConnections, type SseRouteOptions } from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { ManualClock } from '../fixtures/manual-clock.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

const MINUTE = 60_000;
const storage = new AsyncLocalStorage<string>();
/** The request that the application's own code sees in its async context. */
const who = (): string => storage.getStore() ?? 'nobody';

let asked: string[] = [];
let refused: string | undefined;
/** The async contexts in which the heads of responses were written. */
let heads: string[] = [];
let gate: { promise: Promise<void>; open: () => void };

function closedGate(): typeof gate {
  let open!: () => void;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

@Injectable()
class UserGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    await Promise.resolve();
    asked.push(who());
    return who() !== refused;
  }
}

const stream = () => concat(of('open'), NEVER);
const HEARTBEAT = { intervalMs: MINUTE, event: 'beat', data: who, id: who, always: true };
const REVALIDATE: SseRouteOptions = { revalidateMs: MINUTE, errors: { map: () => ({ who: who() }) } };

@Controller()
class Streams {
  @UseGuards(UserGuard)
  @Sse('guarded', REVALIDATE)
  guarded() {
    return stream();
  }
  @Sse('gated')
  async *gated() {
    yield await gate.promise.then(() => 'first');
    await new Promise(setImmediate);
    yield 'second';
  }
  @Sse('beating', { heartbeat: HEARTBEAT })
  beating() {
    return stream();
  }
  @Sse('timed', { timeout: { afterMs: MINUTE, event: 'over', data: who } })
  timed() {
    return stream();
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    let clock: ManualClock;
    beforeEach(async () => {
      [asked, heads, refused, gate] = [[], [], undefined, closedGate()];
      clock = new ManualClock();
      app = await makeApp(adapter, {
        controllers: [Streams],
        sse: { heartbeat: false },
        clock,
        setUp: (made) => {
          made.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
            const { writeHead } = response;
            response.writeHead = ((...args: unknown[]) => {
              heads.push(who());
              return Reflect.apply(writeHead, response, args) as ServerResponse;
            }) as typeof writeHead;
            storage.run(String(request.headers['x-user']), next);
          });
          setUp(made);
        },
      });
    });
    afterEach(closeApps);

    const opened = async (path: string): Promise<TestStream[]> => {
      const streams: TestStream[] = [];
      for (const user of ['ann', 'bob']) {
        const one = await openStream(app, path, { headers: { 'x-user': user } });
        await one.next();
        streams.push(one);
      }
      return streams;
    };
    const later = async (): Promise<void> => {
      clock.advance(MINUTE * 1.2);
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    };

    it('a function that writes the head sees its own request, also if one turn writes several heads', async () => {
      const users = ['ann', 'bob', 'cid'];
      const opening = users.map((user) => openStream(app, '/gated', { headers: { 'x-user': user } }));
      await until(() => app.get(SseConnections).count() === users.length, 'the requests');
      // All handlers wait for the gate.
      for (let i = 0; i < 5; i++) await new Promise(setImmediate);
      expect(heads).toEqual([]);
      gate.open();
      for (const stream of await Promise.all(opening)) {
        await stream.end();
        expect(stream.raw()).toBe(':\ndata: first\n\ndata: second\n\n');
      }
      expect(heads.toSorted()).toEqual(users);
    });

    it('guards that run again see the request that they check', async () => {
      const [ann, bob] = await opened('/guarded');
      asked = [];
      await later();
      expect(asked.toSorted()).toEqual(['ann', 'bob']);
      refused = 'bob';
      await later();
      expect((await bob?.next('error'))?.json()).toEqual({ who: 'bob' });
      expect(app.get(SseConnections).count()).toBe(1);
      await ann?.close();
    });

    it('the functions for the payload and the ID of a heartbeat see their request', async () => {
      const [ann, bob] = await opened('/beating');
      await later();
      expect(await ann?.next('beat')).toMatchObject({ data: 'ann', id: 'ann' });
      expect(await bob?.next('beat')).toMatchObject({ data: 'bob', id: 'bob' });
      await later();
      expect(await bob?.next('beat')).toMatchObject({ data: 'bob', id: 'bob' });
    });

    it('the function for the last event after a timeout sees its request', async () => {
      const [ann, bob] = await opened('/timed');
      await later();
      expect(await ann?.next('over')).toMatchObject({ data: 'ann' });
      expect(await bob?.next('over')).toMatchObject({ data: 'bob' });
    });
  }),
);
