import { Controller, ServiceUnavailableException, type INestApplication } from '@nestjs/common';
import {
  Sse,
  SseConnections,
  SseSignal,
  type Slot,
  type SlotRequest,
  type SlotStore,
} from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

/** A store that answers when the test says so, as one does that is asked over a network. */
class DistantStore implements SlotStore {
  readonly asked: SlotRequest[] = [];
  readonly held = new Set<string>();
  private answers: { settle: (slot: Slot | undefined) => void; fail: (error: Error) => void }[] = [];

  acquire(request: SlotRequest): Promise<Slot | undefined> {
    this.asked.push(request);
    return new Promise((settle, fail) => this.answers.push({ settle, fail }));
  }

  give(name: string): void {
    this.held.add(name);
    this.answers.shift()?.settle({ release: () => expect(this.held.delete(name)).toBe(true) });
  }

  refuse(): void {
    this.answers.shift()?.settle(undefined);
  }

  fail(error: Error): void {
    this.answers.shift()?.fail(error);
  }

  async isAsked(times: number): Promise<void> {
    await until(() => this.asked.length === times, `${times} requests for slots`);
  }
}

let handled = 0;

@Controller()
class Distant {
  @Sse('stream', {
    limit: [
      { key: 'route', max: 10 },
      { key: 'ip', max: 2, retryMs: 3000 },
    ],
  })
  async *stream(@SseSignal() signal: AbortSignal) {
    handled++;
    yield 'open';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }
  @Sse('unlimited')
  *unlimited() {
    yield 'open';
  }
  @Sse('replace', { limit: { key: 'route', max: 1, status: 'replace' } })
  async *replace(@SseSignal() signal: AbortSignal) {
    yield 'open';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  let store: DistantStore;
  beforeEach(async () => {
    handled = 0;
    store = new DistantStore();
    app = await makeApp(adapter, { controllers: [Distant], sse: { slots: store } });
  });
  afterEach(async () => {
    await closeApps();
    expect(store.held.size).toBe(0);
  });

  describe('slots that have to be waited for', () => {
    it('are asked for one after the other, and the handler runs when all are there', async () => {
      const opening = openStream(app, '/stream');
      await store.isAsked(1);
      expect(store.asked[0]).toMatchObject({ key: 'route:Distant.stream', max: 10, replaceOldest: false });
      store.give('route');
      await store.isAsked(2);
      expect(store.asked[1]).toMatchObject({ key: 'ip:Distant.stream:127.0.0.1', max: 2 });
      expect(handled).toBe(0);
      store.give('ip');
      const stream = await opening;
      expect((await stream.next()).data).toBe('open');
      await stream.close();
      await until(() => store.held.size === 0);
    });

    it('are given back if a later one is not to be had', async () => {
      const opening = openStream(app, '/stream');
      await store.isAsked(1);
      store.give('route');
      await store.isAsked(2);
      store.refuse();
      const stream = await opening;
      expect([stream.status, stream.headers['retry-after']]).toEqual([429, '3']);
      expect([store.held.size, handled]).toEqual([0, 0]);
    });

    it('are given back if the client left meanwhile, and no handler runs', async () => {
      const client = await RawClient.get(app, '/stream');
      await store.isAsked(1);
      store.give('route');
      await store.isAsked(2);
      client.leave();
      await until(() => store.held.size === 0);
      expect(app.get(SseConnections).count()).toBe(0);
      store.give('ip');
      await until(() => store.held.size === 0);
      expect(handled).toBe(0);
    });

    it('are given back if the application shuts down meanwhile, with a 503', async () => {
      const opening = openStream(app, '/stream');
      await store.isAsked(1);
      const closing = app.close();
      const stream = await opening;
      expect(stream.status).toBe(503);
      await closing;
      store.give('route');
      await until(() => store.held.size === 0);
    });

    it('are an HTTP error where the store fails, its own if it has one', async () => {
      for (const [error, status] of [
        [new Error('connection lost'), 500],
        [new ServiceUnavailableException('No slots now.'), 503],
      ] as const) {
        const opening = openStream(app, '/stream');
        await store.isAsked(1);
        store.give('route');
        await store.isAsked(2);
        store.fail(error);
        expect((await opening).status).toBe(status);
        expect(store.held.size).toBe(0);
        store.asked.length = 0;
      }
      expect(app.get(SseConnections).count()).toBe(0);
    });

    it('are not asked for where there is no limit', async () => {
      const stream = await openStream(app, '/unlimited');
      expect((await stream.rest())[0]?.data).toBe('open');
      expect(store.asked).toEqual([]);
    });

    it('may be taken away, with which the stream ends', async () => {
      const opening = openStream(app, '/replace');
      await store.isAsked(1);
      expect(store.asked[0]).toMatchObject({ replaceOldest: true });
      store.give('one');
      const stream = await opening;
      await stream.next();
      store.asked[0]?.onReplaced();
      expect(await stream.end()).toBe('ended');
      store.asked[0]?.onReplaced();
      await until(() => store.held.size === 0);
    });
  });
});
