import { Controller, Param, type INestApplication } from '@nestjs/common';
import { from, Observable, Subject, concat, throwError } from 'rxjs';
import {
  event,
  isSseError,
  Sse,
  SseConnection,
  SseConnections,
  type OverflowPolicy,
  type SseEvent,
} from 'nestjs-event-stream';
import { openStream, type TestEvent } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';
import { setStreamMark } from './stream-mark.js';

/** This many events of 1000 bytes come at once: far more than a response takes before it is full. */
const COUNT = 1000;
const BLOCK = 1000;
/** This many of them may wait. */
const ROOM = 10;
/** Memory of a waiting event besides its text. */
const EVENT_BYTES = 128;
const MAX_BYTES = ROOM * (BLOCK + EVENT_BYTES);
const OVERFLOW = { maxBytes: MAX_BYTES, report: { event: 'missed' } };

let left = 0;
let closedBecause: unknown;
let live: Subject<SseEvent>;

/** An event whose block has exactly 1000 bytes. */
function numbered(i: number, type = i % 5): SseEvent {
  const head = `event: t${type}\nid: ${i}\ndata: `.length;
  return event({ type: `t${type}`, id: i, data: 'x'.repeat(BLOCK - head - 2) });
}
const burst = (): Observable<SseEvent> => from(Array.from({ length: COUNT }, (_, i) => numbered(i)));

/** Emits at once, and records when it is unsubscribed. */
function watched<T>(values: Iterable<T>): Observable<T> {
  return new Observable((subscriber) => {
    for (const value of values) {
      if (subscriber.closed) break;
      subscriber.next(value);
    }
    return () => left++;
  });
}
function* endless(): Generator<string> {
  for (;;) yield 'x'.repeat(100);
}

const policies: Record<string, OverflowPolicy> = {
  'drop-oldest': 'drop-oldest',
  'drop-newest': 'drop-newest',
  coalesce: { coalesce: ({ type }) => type },
};

function afterwards(connection: SseConnection): Observable<SseEvent> {
  connection.signal.addEventListener('abort', () => (closedBecause = connection.signal.reason));
  return new Observable<SseEvent>((subscriber) => {
    const subscription = concat(burst(), live).subscribe(subscriber);
    return () => subscription.unsubscribe();
  });
}

@Controller()
class BurstController {
  @Sse('drop-oldest', { overflow: { ...OVERFLOW, policy: 'drop-oldest' } })
  dropOldest(@SseConnection() connection: SseConnection) {
    return afterwards(connection);
  }
  @Sse('drop-newest', { overflow: { ...OVERFLOW, policy: 'drop-newest' } })
  dropNewest(@SseConnection() connection: SseConnection) {
    return afterwards(connection);
  }
  @Sse('coalesce', { overflow: { ...OVERFLOW, policy: policies['coalesce'] as OverflowPolicy } })
  coalesce(@SseConnection() connection: SseConnection) {
    return afterwards(connection);
  }
  @Sse('silent-drops', { overflow: { maxBytes: MAX_BYTES, policy: 'drop-oldest' } })
  silentDrops(@SseConnection() connection: SseConnection) {
    return afterwards(connection);
  }
  @Sse('disconnect', { overflow: { maxBytes: MAX_BYTES } })
  disconnect(@SseConnection() connection: SseConnection) {
    return afterwards(connection);
  }
  @Sse('endless', { overflow: { maxBytes: MAX_BYTES } })
  endless() {
    return watched(endless());
  }
  @Sse('empty', {
    overflow: { maxBytes: 100 * (EVENT_BYTES + 'data: \n\n'.length), policy: 'drop-newest', report: {} },
  })
  empty() {
    return concat(from(Array<string>(100_000).fill('')), live);
  }
  @Sse('throwing', {
    overflow: {
      ...OVERFLOW,
      policy: {
        coalesce: () => {
          throw new TypeError('no key for this');
        },
      },
    },
  })
  throwing() {
    return watched(Array.from({ length: COUNT }, (_, i) => numbered(i)));
  }
  @Sse('ends/:how', {
    overflow: { ...OVERFLOW, policy: 'drop-newest' },
    complete: { event: 'end', data: 'x'.repeat(2000) },
  })
  ends(@Param('how') how: string) {
    return how === 'well'
      ? burst()
      : concat(
          burst(),
          throwError(() => new Error('no more')),
        );
  }
}

const id = ({ id }: TestEvent): number => Number(id);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

eachAdapter((adapter) => {
  let app: INestApplication;
  let logger: RecordingLogger;
  // The bursts must not fit: with the 64 KiB of Node 22, the kernel takes the writes of a whole burst one after another.
  setStreamMark(16_384);
  beforeEach(async () => {
    left = 0;
    closedBecause = undefined;
    live = new Subject();
    logger = new RecordingLogger();
    app = await makeApp(adapter, {
      controllers: [BurstController],
      logger,
      sse: { maxQueuedBytes: 8 * 1_048_576 },
    });
  });
  afterEach(closeApps);

  /** The events before the report, and the reported number of dropped events. */
  async function received(path: string): Promise<{ events: TestEvent[]; dropped: number }> {
    const stream = await openStream(app, path);
    const events: TestEvent[] = [];
    for (;;) {
      const next = await stream.next();
      if (next.type === 'missed') {
        const { dropped } = next.json<{ dropped: number }>();
        const [connection] = app.get(SseConnections).list();
        expect(connection?.dropped).toBe(dropped);
        expect(connection?.events).toBe(COUNT - dropped);
        live.next(numbered(COUNT));
        expect(id(await stream.next())).toBe(COUNT);
        await stream.close();
        return { events, dropped };
      }
      events.push(next);
    }
  }

  /** The response decides how many of the first events are sent before any event has to wait. */
  function startOf(ids: number[]): number {
    const start = ids.findIndex((number, i) => number !== i);
    expect(start).toBeGreaterThanOrEqual(10);
    expect(start).toBeLessThan(100);
    return start;
  }

  describe("a burst that exceeds the response's buffer", () => {
    it('loses its oldest waiting events with "drop-oldest", and the client gets their number', async () => {
      const { events, dropped } = await received('/drop-oldest');
      const ids = events.map(id);
      const start = startOf(ids);
      expect(ids).toEqual([...range(0, start), ...range(COUNT - ROOM, COUNT)]);
      expect(dropped).toBe(COUNT - ROOM - start);
    });

    it('loses its newest events with "drop-newest"', async () => {
      const { events, dropped } = await received('/drop-newest');
      const ids = events.map(id);
      expect(ids).toEqual(range(0, ids.length));
      expect(dropped).toBe(COUNT - ids.length);
      expect(ids.length).toBeGreaterThanOrEqual(ROOM + 10);
      expect(ids.length).toBeLessThan(ROOM + 100);
    });

    it('keeps the newest event of each key with "coalesce"', async () => {
      const { events, dropped } = await received('/coalesce');
      const ids = events.map(id);
      const start = startOf(ids);
      expect(ids).toEqual([...range(0, start), ...range(COUNT - 5, COUNT)]);
      expect(dropped).toBe(COUNT - 5 - start);
    });

    it('does not report lost events unless the route asks for it', async () => {
      const stream = await openStream(app, '/silent-drops');
      await stream.until((next) => id(next) === COUNT - 1);
      live.next(numbered(COUNT));
      expect(id(await stream.next())).toBe(COUNT);
      expect(stream.raw()).not.toContain('dropped');
      await stream.close();
    });

    it('disconnects many clients with one log line each', async () => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.get(app, '/endless')));
      await Promise.all(clients.map((client) => client.isClosed()));
      expect(logger.warnings).toHaveLength(20);
      expect(new Set(logger.warnings.map((line) => /connection \w+/.exec(line)?.[0])).size).toBe(20);
    });

    it('disconnects more clients than are named in the log; the rest are counted when the application closes', async () => {
      const clients = await Promise.all(Array.from({ length: 53 }, () => RawClient.get(app, '/endless')));
      await Promise.all(clients.map((client) => client.isClosed()));
      expect(logger.warnings).toHaveLength(50);
      await app.close();
      expect(logger.warnings.slice(50)).toEqual([
        'More connections were cut off within 10 s than are named here: 3 by "maxQueuedBytes".',
      ]);
    });

    it('without an end is unsubscribed as soon as the connection is closed', async () => {
      const client = await RawClient.get(app, '/endless');
      await client.isClosed();
      expect(left).toBe(1);
      expect(logger.warnings).toEqual([expect.stringContaining('"maxQueuedBytes" (8388608)')]);
    });

    it('of empty events is bounded as well', async () => {
      const stream = await openStream(app, '/empty');
      const { dropped } = (await stream.next('overflow')).json<{ dropped: number }>();
      const events = stream.raw().split('data: \n\n').length - 1;
      expect(events + dropped).toBe(100_000);
      // 100, besides those that were sent at once.
      expect(events).toBeLessThan(100 + 20_000 / 'data: \n\n'.length);
      await stream.close();
    });
  });

  it('disconnects a client that does not read with "disconnect", so that the client notices', async () => {
    const client = await RawClient.get(app, '/disconnect');
    await client.receives(`id: ${COUNT - 1}\n`);
    client.stall();
    let published = COUNT;
    await until(() => {
      live.next(event({ id: published++, data: 'x'.repeat(100_000) }));
      return app.get(SseConnections).count() === 0;
    }, 'the end of the connection');
    client.resume();
    await client.isClosed();
    expect(client.received).not.toContain('\r\n0\r\n');
    expect(isSseError(closedBecause, 'SSE_OVERFLOW')).toBe(true);
    expect(live.observed).toBe(false);
    expect(logger.errors).toEqual([]);
    expect(logger.warnings).toEqual([
      expect.stringMatching(
        /^GET \/disconnect: connection 1 was cut off, because its client was too slow: one more event is more than "overflow\.maxBytes" \(11280\) allows to wait\. [1-9]\d{4,} bytes were queued for it\.$/,
      ),
    ]);
  });

  it('with a key function that fails ends the stream with an error event, and is logged once', async () => {
    const stream = await openStream(app, '/throwing');
    const events = await stream.rest();
    expect(events.at(-1)).toMatchObject({
      type: 'error',
      data: '{"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}',
    });
    expect(events.slice(0, -1).map(id)).toEqual(range(0, events.length - 1));
    expect(left).toBe(1);
    expect(logger.errors).toHaveLength(1);
    expect(logger.errors[0]).toMatch(/^BurstController\.throwing \(GET \S+\): TypeError: no key for this\n/);
  });

  describe('last words', () => {
    it('are sent to a client that is behind, after the report of the events that it missed', async () => {
      const stream = await openStream(app, '/ends/well');
      const events = await stream.rest();
      expect(events.map(({ type }) => type)).toEqual([
        ...events.slice(0, -2 - ROOM).map(({ type }) => type),
        'missed',
        ...range(0, ROOM).map((i) => `t${(events.length - 2 - ROOM + i) % 5}`),
        'end',
      ]);
      expect(events.at(-1)?.data).toBe('x'.repeat(2000));
    });

    it('are sent after an error, too', async () => {
      const stream = await openStream(app, '/ends/badly');
      expect((await stream.rest()).at(-1)?.type).toBe('error');
      expect(await stream.end()).toBe('ended');
    });
  });

  // Those of Node 20 and of Node 22.
  describe.each([16_384, 65_536])('with a high-water mark of %d bytes', (mark) => {
    setStreamMark(mark);
    // A server keeps the high-water mark that it was created with.
    beforeEach(async () => (app = await makeApp(adapter, { controllers: [BurstController], logger })));

    it('a client that reads again gets the waiting events, and then new ones', async () => {
      const client = await RawClient.get(app, '/drop-oldest');
      client.stall();
      await until(() => app.get(SseConnections).list()[0]?.dropped !== undefined);
      const [connection] = app.get(SseConnections).list();
      // Until the kernel takes no more.
      let published = COUNT;
      await until(() => {
        for (let i = 0; i < 2000; i++) live.next(numbered(published++));
        return (connection?.queuedBytes ?? 0) > MAX_BYTES - BLOCK && (connection?.dropped ?? 0) > 5000;
      });
      // No more waits than the limit, and the buffer of the response: one write beyond its mark.
      expect(connection?.queuedBytes).toBeLessThanOrEqual(MAX_BYTES + 2 * 65_536 + BLOCK);
      client.resume();
      await client.receives('event: missed\n');
      await until(() => connection?.queuedBytes === 0);
      live.next(numbered(published));
      await client.receives(`id: ${published}\n`);
      const ids = [...client.body.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number));
      expect(ids.slice(-1 - ROOM)).toEqual(range(published - ROOM, published + 1));
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      const missed = [...client.body.matchAll(/"dropped":(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
      expect(ids.length + missed).toBe(published + 1);
      client.leave();
    });
  });
});
