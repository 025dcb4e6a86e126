import { Body, Controller, Req, RequestMethod, type INestApplication } from '@nestjs/common';
import { jest } from '@jest/globals';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Subject, type Observable } from 'rxjs';
import { Channels, Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

const BLOCK = 'x'.repeat(100_000);
const BODY = '{"prompt":"hi"}';

let live: Subject<unknown>;
let asked: IncomingMessage | undefined;

/** The values of an Observable, until the consumer stops. */
async function* eachValueFrom(observable: Observable<unknown>, signal: AbortSignal): AsyncGenerator<unknown> {
  const values: unknown[] = [];
  let wake = (): void => undefined;
  signal.addEventListener('abort', () => wake());
  const subscription = observable.subscribe((value) => {
    values.push(value);
    wake();
  });
  try {
    while (!signal.aborted) {
      yield* values.splice(0);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    subscription.unsubscribe();
  }
}

@Controller()
class Lasting {
  constructor(private readonly channels: Channels) {}

  @Sse('answer', { method: RequestMethod.POST })
  answer(@Req() request: { raw?: IncomingMessage }, @Body() body: object) {
    asked = request.raw ?? (request as IncomingMessage);
    expect(body).toEqual(JSON.parse(BODY));
    return live;
  }
  @Sse('upload')
  async *upload(@Req() request: { raw?: IncomingMessage }, @SseSignal() signal: AbortSignal) {
    asked = request.raw ?? (request as IncomingMessage);
    let body = '';
    for await (const chunk of asked) body += String(chunk);
    expect(body).toBe(BODY);
    yield* eachValueFrom(live, signal);
  }
  @Sse('live', { overflow: { maxBytes: Infinity } })
  live() {
    return live;
  }
  @Sse('beating', { heartbeat: 30_000 })
  beating() {
    return live;
  }
  @Sse('rarely-beating', { heartbeat: 31_000 })
  rarelyBeating() {
    return live;
  }
  @Sse('mine', {
    limit: {
      key: (context) =>
        context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-user'],
      max: 1,
      status: 'replace',
    },
  })
  mine() {
    return this.channels.channel('mine').subscribe();
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  beforeEach(() => {
    live = new Subject();
    asked = undefined;
  });
  afterEach(closeApps);

  const make = async (setUp: (app: INestApplication) => void = () => undefined): Promise<void> => {
    app = await makeApp(adapter, {
      controllers: [Lasting],
      setUp,
      sse: { heartbeat: false, stallMs: false },
    });
  };
  const connections = (): SseConnections => app.get(SseConnections);

  it.each([
    ['the framework', 'POST /answer', 'application/json'],
    ['the handler', 'GET /upload', 'application/x-unread'],
  ])(
    'a request whose body %s has read reports "close" early: the stream continues until its client leaves',
    async (_who, request, type) => {
      await make();
      const head = `${request} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${BODY.length}\r\n\r\n`;
      const client = await RawClient.connect(app, head + BODY.slice(0, 5));
      if (request.startsWith('GET')) await until(() => asked !== undefined, 'the handler');
      client.send(BODY.slice(5));
      await until(() => asked?.closed === true && live.observed, 'the close of the request');
      for (let i = 0; i < 3; i++) {
        live.next(i);
        await until(() => client.body.endsWith(`data: ${i}\n\n`));
      }
      expect(client.body).toBe(':\ndata: 0\n\ndata: 1\n\ndata: 2\n\n');
      expect(connections().count()).toBe(1);
      client.leave();
      await until(() => connections().count() === 0 && !live.observed);
    },
  );

  it.each([
    ['on where there is no heartbeat', '/live', [[true, 30_000]]],
    ['on where heartbeats are rare', '/rarely-beating', [[true, 30_000]]],
    ['left off where a heartbeat comes before its first probe', '/beating', []],
  ])('TCP keep-alive is %s, and no timeout of the server ends the stream', async (_what, path, set) => {
    await make();
    const keepAlive = jest.spyOn(Socket.prototype, 'setKeepAlive');
    const timeOut = jest.spyOn(Socket.prototype, 'setTimeout');
    const connected = new Promise<Socket>((resolve) => app.getHttpServer().once('connection', resolve));
    const client = await RawClient.get(app, path);
    const socket = await connected;
    await client.receives(':\n');
    const of = (spy: { mock: { contexts: unknown[]; calls: unknown[][] } }): unknown[][] =>
      spy.mock.calls.filter((_call, i) => spy.mock.contexts[i] === socket);
    expect(of(keepAlive)).toEqual(set);
    expect(of(timeOut).at(-1)?.[0]).toBe(0);
    expect(socket.timeout ?? 0).toBe(0);
    jest.restoreAllMocks();
  });

  it.each(['the socket', 'a response that middleware has wrapped'])(
    'any number of events and of waits for a client leaves no listener on %s',
    async (what) => {
      await make((made) => {
        if (what === 'the socket') return;
        made.use((_request: unknown, response: ServerResponse, next: () => void) => {
          const { write } = response;
          response.write = ((...args: unknown[]) => Reflect.apply(write, response, args) as boolean) as never;
          next();
        });
      });
      const server = app.getHttpServer() as EventEmitter;
      const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
      const responding = new Promise<ServerResponse>((resolve) =>
        server.prependOnceListener('request', (_request, response: ServerResponse) => resolve(response)),
      );
      const client = await RawClient.get(app, '/live');
      const emitters: EventEmitter[] = [await connected, await responding];
      const listeners = (): number =>
        emitters.reduce(
          (sum, emitter) =>
            sum + emitter.eventNames().reduce((all, name) => all + emitter.listenerCount(name), 0),
          0,
        );
      await client.receives(':\n');
      const before = listeners();
      const queued = (): number => connections().list()[0]?.queuedBytes ?? 0;
      for (let cycle = 0; cycle < 5; cycle++) {
        client.stall();
        await until(() => {
          live.next(BLOCK);
          return queued() > 1_000_000;
        });
        for (let i = 0; i < 200; i++) live.next('small');
        expect(listeners() - before).toBeLessThanOrEqual(3);
        client.resume();
        await until(() => queued() === 0);
        expect(listeners()).toBe(before);
        client.received = '';
      }
    },
  );

  it('a client reconnects while its old connection is open, whose end does not affect the new one', async () => {
    await make();
    const channel = app.get(Channels).channel('mine');
    const get = (): Promise<RawClient> => RawClient.get(app, '/mine', 'X-User: ada', 'Last-Event-ID: ');
    const slots = (): number => {
      const table = connections().slots as unknown as { count(key: string): number };
      return table.count('Lasting.mine:limit:key:ada');
    };
    const old = await get();
    await old.receives(':\n');
    old.stall();
    await until(() => {
      void channel.publish(BLOCK);
      return (connections().list()[0]?.queuedBytes ?? 0) > 0;
    });
    const fresh = await get();
    await fresh.receives(':\n');
    // The old connection should end, but cannot: nobody reads the data before its end.
    expect(connections().list()).toHaveLength(2);
    expect([slots(), channel.size()]).toEqual([1, 1]);
    const [, { id } = {}] = connections().list();
    old.reset();
    await until(() => connections().count() === 1);
    expect([connections().list()[0]?.id, slots(), channel.size()]).toEqual([id, 1, 1]);
    await channel.publish('to the new one');
    await fresh.receives('data: to the new one\n\n');
    // The place is known to belong to the old connection: a new client takes it from no other client.
    const third = await get();
    await third.receives(':\n');
    await until(() => fresh.received.endsWith('\r\n0\r\n\r\n'));
    expect([slots(), connections().count(), channel.size()]).toEqual([1, 1, 1]);
  });
});
