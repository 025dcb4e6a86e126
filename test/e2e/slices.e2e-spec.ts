import { Controller, Inject, UseInterceptors, type INestApplication } from '@nestjs/common';
import { Channels, Sse, SseConnections } from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { tap } from 'rxjs';
import { deliveries } from '../../src/time/slices.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

const tick = () => new Promise((resolve) => process.nextTick(resolve));

@Controller()
class News {
  constructor(@Inject(Channels) private readonly channels: Channels) {}

  @Sse('plain')
  plain() {
    return this.channels.channel('news').subscribe();
  }
  @Sse('filtered')
  filtered() {
    return this.channels.channel('news').subscribe({ filter: () => true });
  }
  @Sse('intercepted')
  @UseInterceptors({ intercept: (_, next) => next.handle().pipe(tap(() => undefined)) })
  intercepted() {
    return this.channels.channel('news').subscribe();
  }
}

const ROUTES = ['plain', 'filtered', 'intercepted'];

/** As if this turn of the event loop had delivered to very many others already. */
function useUp(): void {
  for (let i = 0; i < 2000; i++) deliveries.hasRoom();
}

eachAdapter((adapter) => {
  afterEach(closeApps);

  /** Two clients of each route, and an event that has not reached all of them when its turn ends. */
  async function underWay(): Promise<{
    app: INestApplication;
    streams: TestStream[];
    waiting: () => number;
  }> {
    const app = await makeApp(adapter, { controllers: [News] });
    const streams = await Promise.all([...ROUTES, ...ROUTES].map((path) => openStream(app, `/${path}`)));
    const connections = app.get(SseConnections);
    const before = connections.list().map(({ events }) => events);
    expect(before).toEqual([0, 0, 0, 0, 0, 0]);
    useUp();
    await app.get(Channels).channel('news').publish('last words');
    await tick();
    const waiting = () => connections.list().filter(({ events }) => events === 0).length;
    return { app, streams, waiting };
  }

  async function haveIt(streams: readonly TestStream[]): Promise<void> {
    const all = await Promise.all(streams.map((stream) => stream.rest()));
    expect(all.map((events) => events.map(({ data }) => data))).toEqual(streams.map(() => ['last words']));
  }

  it('an event reaches each client in a later turn', async () => {
    const { app, streams, waiting } = await underWay();
    expect(waiting()).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    expect(waiting()).toBe(0);
    app.get(SseConnections).closeWhere(() => true);
    await haveIt(streams);
  });

  it('an event that some clients have reaches the others before the application closes them', async () => {
    const { app, streams, waiting } = await underWay();
    expect(waiting()).toBeGreaterThan(0);
    expect(app.get(SseConnections).closeWhere(() => true)).toBe(6);
    await haveIt(streams);
  });

  it('an event that some clients have reaches the others before a shutdown', async () => {
    const { app, streams, waiting } = await underWay();
    expect(waiting()).toBeGreaterThan(0);
    await app.close();
    await haveIt(streams);
  });
});
