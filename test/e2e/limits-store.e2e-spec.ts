import { Controller, ServiceUnavailableException, type INestApplication } from '@nestjs/common';
import {
  Sse,
  SseConnections,
  SseSignal,
  type SlotAnswer,
  type SlotRequest,
  type SlotStore,
} from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

/** A store that answers when the test says so, like a store across a network. */
class DistantStore implements SlotStore {
  readonly asked: (readonly SlotRequest[])[] = [];
  readonly held = new Set<string>();
  private answers: { settle: (answer: SlotAnswer) => void; fail: (error: Error) => void }[] = [];

  acquire(requests: readonly SlotRequest[]): Promise<SlotAnswer> {
    this.asked.push(requests);
    return new Promise((settle, fail) => this.answers.push({ settle, fail }));
  }

  give(name: string): void {
    this.held.add(name);
    const slot = { release: () => expect(this.held.delete(name)).toBe(true) };
    this.answers.shift()?.settle({ slot });
  }

  refuse(nth: number): void {
    const full = this.asked.at(-1)?.[nth];
    if (full) this.answers.shift()?.settle({ full });
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

  describe('slots of an asynchronous store', () => {
    it('are requested together, and the handler runs when all are granted', async () => {
      const opening = openStream(app, '/stream');
      await store.isAsked(1);
      expect(store.asked[0]).toMatchObject([
        { key: 'Distant.stream:limit[0]:route', max: 10, replaceOldest: false },
        { key: 'Distant.stream:limit[1]:ip:127.0.0.1', max: 2, replaceOldest: false },
      ]);
      expect(handled).toBe(0);
      store.give('both');
      const stream = await opening;
      expect((await stream.next()).data).toBe('open');
      await stream.close();
      await until(() => store.held.size === 0);
    });

    it('are an HTTP error of the limit that is reached', async () => {
      const opening = openStream(app, '/stream');
      await store.isAsked(1);
      store.refuse(1);
      const stream = await opening;
      expect([stream.status, stream.headers['retry-after']]).toEqual([429, '3']);
      expect(await stream.json()).toMatchObject({ message: 'Too many open streams: the limit is 2.' });
      expect(handled).toBe(0);
    });

    it('are released if the client has left meanwhile, and no handler runs', async () => {
      const client = await RawClient.get(app, '/stream');
      await store.isAsked(1);
      client.leave();
      await until(() => app.get(SseConnections).count() === 0);
      store.give('late');
      await until(() => store.held.size === 0);
      expect(handled).toBe(0);
    });

    it('are released if the application shuts down meanwhile, with a 503', async () => {
      const opening = openStream(app, '/stream');
      await store.isAsked(1);
      const closing = app.close();
      const stream = await opening;
      expect(stream.status).toBe(503);
      await closing;
      store.give('route');
      await until(() => store.held.size === 0);
    });

    it("are an HTTP error if the store fails, with the status of the store's error if there is one", async () => {
      for (const [error, status] of [
        [new Error('connection lost'), 500],
        [new ServiceUnavailableException('No slots now.'), 503],
      ] as const) {
        const opening = openStream(app, '/stream');
        await store.isAsked(1);
        store.fail(error);
        expect((await opening).status).toBe(status);
        expect(store.held.size).toBe(0);
        store.asked.length = 0;
      }
      expect(app.get(SseConnections).count()).toBe(0);
    });

    it('are not requested without a limit', async () => {
      const stream = await openStream(app, '/unlimited');
      expect((await stream.rest())[0]?.data).toBe('open');
      expect(store.asked).toEqual([]);
    });

    it('can be revoked, which ends the stream', async () => {
      const opening = openStream(app, '/replace');
      await store.isAsked(1);
      expect(store.asked[0]).toMatchObject([{ replaceOldest: true }]);
      store.give('one');
      const stream = await opening;
      await stream.next();
      store.asked[0]?.[0]?.onReplaced();
      expect(await stream.end()).toBe('ended');
      store.asked[0]?.[0]?.onReplaced();
      await until(() => store.held.size === 0);
    });
  });
});
