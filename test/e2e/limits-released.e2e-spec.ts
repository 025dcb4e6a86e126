import {
  Controller,
  Injectable,
  Param,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Readable } from 'node:stream';
import { concat, defer, from, NEVER, of, throwError, type Observable } from 'rxjs';
import { Sse, SseConnection, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

/** Waits that a test resolves. */
let gates: (() => void)[] = [];
const gate = (): Promise<void> => new Promise((resolve) => gates.push(resolve));
let started: string[] = [];
let destroyed = 0;

@Injectable()
class SlowGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    started.push('guard');
    await gate();
    return true;
  }
}

class SlowPipe implements PipeTransform<string> {
  async transform(value: string): Promise<string> {
    started.push('pipe');
    await gate();
    return value;
  }
}

@Injectable()
class SlowInterceptor implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    started.push('interceptor');
    return defer(() => from(gate().then(() => undefined))).pipe((waited) =>
      concat(
        waited,
        defer(() => next.handle()),
      ),
    );
  }
}

async function* open() {
  started.push('handler');
  yield 'open';
  await gate();
}

const ONE = { limit: { key: 'route', max: 1 } } as const;

@Controller()
class Paths {
  @Sse('throws', ONE)
  throws(): never {
    throw new Error('no');
  }
  @Sse('rejects', ONE)
  async rejects(): Promise<never> {
    return Promise.reject(new Error('no'));
  }
  @Sse('throws-first', ONE)
  async *throwsFirst() {
    yield await Promise.reject(new Error('no'));
  }
  @Sse('fails-first', ONE)
  failsFirst() {
    return throwError(() => new Error('no'));
  }
  @Sse('throws-later', ONE)
  async *throwsLater() {
    yield 'one';
    throw new Error('no');
  }
  @Sse('unserialisable', ONE)
  *unserialisable() {
    yield 1n;
  }
  // @ts-expect-error: A string cannot be streamed.
  @Sse('not-streamable', ONE)
  notStreamable() {
    return 'text';
  }
  @Sse('plain', ONE)
  plain() {
    return { plain: true };
  }
  @Sse('nothing', ONE)
  nothing() {
    return undefined;
  }
  @Sse('ends', ONE)
  *ends() {
    yield 'end';
  }
  @Sse('open', ONE)
  open() {
    return open();
  }
  @Sse('never', ONE)
  never() {
    return NEVER;
  }
  @Sse('bad-key', { limit: [ONE.limit, { key: badKey, max: 1 }] })
  badKey() {
    return open();
  }
  @Sse('second-full', { limit: [{ key: asWho, max: 1 }, ONE.limit] })
  secondFull() {
    return open();
  }
  @UseGuards(SlowGuard)
  @Sse('guarded', ONE)
  guarded() {
    return open();
  }
  @Sse('piped/:id', ONE)
  piped(@Param('id', SlowPipe) _id: string) {
    return open();
  }
  @UseInterceptors(SlowInterceptor)
  @Sse('intercepted', ONE)
  intercepted() {
    return open();
  }
  @Sse('set-up', ONE)
  async setUp() {
    started.push('set-up');
    await gate();
    return open();
  }
  @Sse('file', ONE)
  async file() {
    started.push('set-up');
    await gate();
    return new Readable({
      read() {
        this.push('x');
      },
      destroy(error, done) {
        destroyed++;
        done(error);
      },
    });
  }
  @Sse('closes', ONE)
  closes(@SseConnection() connection: SseConnection) {
    return of('one').pipe((values) => defer(() => (connection.close(), values)));
  }
}

function badKey(): string {
  throw new Error('no key');
}

function asWho(context: ExecutionContext): string {
  return context.switchToHttp().getRequest<{ query: { as: string } }>().query.as;
}

const ACCEPT = 'Accept: text/event-stream';

eachAdapter((adapter) => {
  let app: INestApplication;
  beforeEach(async () => {
    gates = [];
    started = [];
    destroyed = 0;
    app = await makeApp(adapter, { controllers: [Paths] });
  });
  afterEach(async () => {
    for (const open of gates) open();
    await closeApps();
  });

  const slots = (): number => (app.get(SseConnections).slots as unknown as { size: number }).size;
  const allFree = (): Promise<void> =>
    until(() => slots() === 0 && app.get(SseConnections).count() === 0, 'free slots');

  describe('a place is free again', () => {
    it.each<[why: string, path: string, status: number, init?: object]>([
      ['a handler that throws', '/throws', 500],
      ['a handler whose promise is rejected', '/rejects', 500],
      ['a generator that throws before its first value', '/throws-first', 500],
      ['an Observable that fails at once', '/fails-first', 500],
      ['a generator that throws later', '/throws-later', 200],
      ['a first value that cannot be sent', '/unserialisable', 500],
      ['a result that is no stream', '/not-streamable', 500],
      ['an ordinary answer', '/plain', 200],
      ['an ordinary answer of nothing', '/nothing', 200],
      ['a stream that ends', '/ends', 200],
      ['a handler that closes its own connection', '/closes', 200],
      ['a client that asks for another type', '/ends', 200, { headers: { accept: 'text/html' } }],
      ['a HEAD request', '/open', 200, { method: 'HEAD' }],
      ['a key that cannot be told', '/bad-key', 500],
      ['a reconnect after the end', '/open', 204, { lastEventId: '~end' }],
      ['a Last-Event-ID that cannot be one', '/open', 400, { lastEventId: 'x'.repeat(5000) }],
    ])('after %s', async (_why, path, status, init = {}) => {
      for (let i = 0; i < 3; i++) {
        const stream = await openStream(app, path, init);
        expect(stream.status).toBe(status);
        await stream.end();
        await allFree();
      }
    });

    it('if a second limit rejects the request', async () => {
      const first = await openStream(app, '/second-full?as=one');
      const second = await openStream(app, '/second-full?as=two');
      expect([first.status, second.status]).toEqual([200, 429]);
      await first.close();
      await allFree();
    });
  });

  describe('a place of a client that leaves', () => {
    it.each<[when: string, path: string, reached: string]>([
      ['during a guard', '/guarded', 'guard'],
      ['during a pipe', '/piped/1', 'pipe'],
      ['during an interceptor, before any handler', '/intercepted', 'interceptor'],
      ['while a method makes its source, which is then never started', '/set-up', 'set-up'],
    ])('%s is free again, and no handler is started for it', async (_when, path, reached) => {
      for (const leave of ['leave', 'reset'] as const) {
        const client = await RawClient.get(app, path, ACCEPT);
        await until(() => started.includes(reached));
        client[leave]();
        await until(() => client.closed);
        await until(() => app.get(SseConnections).count() === 0);
        for (const open of gates.splice(0)) open();
        await allFree();
        await new Promise(setImmediate);
        expect(started).toEqual([reached]);
        started = [];
      }
    });

    it('while a method opens a file is free again, and the file is closed', async () => {
      const client = await RawClient.get(app, '/file', ACCEPT);
      await until(() => started.includes('set-up'));
      client.leave();
      await until(() => app.get(SseConnections).count() === 0);
      for (const open of gates.splice(0)) open();
      await until(() => destroyed === 1);
      await allFree();
    });

    it.each(['/open', '/never'])('in the middle of %s is free again', async (path) => {
      const client = await RawClient.get(app, path, ACCEPT);
      await client.receives('200');
      expect(slots()).toBe(1);
      client.reset();
      await allFree();
    });

    it('in a request that waits behind another of its connection is free again', async () => {
      const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const client = await RawClient.connect(app, request('/never') + request('/open'));
      await until(() => slots() === 2);
      client.reset();
      await allFree();
    });
  });

  it('two applications of one process count separately', async () => {
    const other = await makeApp(adapter, { controllers: [Paths] });
    const [here, there] = [await openStream(app, '/never'), await openStream(other, '/never')];
    expect([here.status, there.status]).toEqual([200, 200]);
    expect((await openStream(app, '/never')).status).toBe(429);
    await here.close();
    await there.close();
  });
});
