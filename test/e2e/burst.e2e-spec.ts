import { Controller, type INestApplication } from '@nestjs/common';
import { concat, from, NEVER, Observable, Subject } from 'rxjs';
import { event, isSseError, Sse, SseConnection, SseConnections, type SseEvent } from 'nestjs-event-stream';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

const MEGABYTE = 1_048_576;
const ROWS = 2000;
/** More bytes than the kernel buffers for a connection. */
const LARGE = 'x'.repeat(100_000);

let live: Subject<SseEvent>;
let handled = 0;
let reasons: Map<string, unknown>;

/** Rows of 1 KB, all in the turn in which they are asked for. */
const rows = (count = ROWS): Observable<SseEvent> =>
  from(Array.from({ length: count }, (_, i) => event({ id: i, data: String(i).padEnd(1000, '.') })));

@Controller()
class Bursts {
  @Sse('rows')
  rows() {
    handled++;
    return rows();
  }
  @Sse('rows-then-live')
  rowsThenLive() {
    handled++;
    return concat(rows(), live);
  }
  @Sse('live')
  live(@SseConnection() connection: SseConnection) {
    connection.signal.addEventListener('abort', () => reasons.set(connection.id, connection.signal.reason));
    return live;
  }
  @Sse('many-rows')
  manyRows(@SseConnection() connection: SseConnection) {
    handled++;
    connection.signal.addEventListener('abort', () => reasons.set(connection.id, connection.signal.reason));
    return concat(rows(6000), NEVER);
  }
  @Sse('ending')
  ending() {
    handled++;
    return rows(6000);
  }
}

const ids = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

let app: INestApplication;
let logger: RecordingLogger;
const queued = (): number => app.get(SseConnections).budget.bytes;
const connections = (): SseConnection[] => app.get(SseConnections).list();

eachAdapter((adapter) => {
  function prepare(setUp?: (app: INestApplication) => void): void {
    beforeEach(async () => {
      live = new Subject();
      handled = 0;
      reasons = new Map();
      logger = new RecordingLogger();
      app = await makeApp(adapter, {
        controllers: [Bursts],
        ...(setUp && { setUp }),
        logger,
        sse: { maxQueuedBytes: 28 * MEGABYTE },
      });
    });
    afterEach(async () => {
      closeStockClients();
      await closeApps();
    });
  }

  eachWay((setUp) => {
    prepare(setUp);

    it('a burst larger than "overflow.maxBytes" reaches a client that reads, to its end', async () => {
      const client = await RawClient.get(app, '/rows');
      await client.receives('\r\n0\r\n\r\n');
      expect(ids(client.body).slice(0, ROWS)).toEqual(range(0, ROWS));
      expect(logger.warnings).toEqual([]);
    });

    it('a stock EventSource gets all of it and does not reconnect', async () => {
      const { events, closed } = followWithStockClient(`${await app.getUrl()}/rows`);
      await closed();
      expect(events.map(({ id }) => Number(id)).slice(0, ROWS)).toEqual(range(0, ROWS));
      expect(handled).toBe(1);
    });

    it('events in later turns reach the client, too, also if it begins to read late', async () => {
      const client = await RawClient.get(app, '/rows-then-live');
      client.stall();
      await until(() => connections().length === 1 && live.observed);
      for (let i = 0; i < 50; i++) {
        live.next(event({ id: ROWS + i, data: 'live' }));
        await new Promise((resolve) => setImmediate(resolve));
      }
      client.resume();
      await client.receives(`id: ${ROWS + 49}\n`);
      expect(ids(client.body)).toEqual(range(0, ROWS + 50));
      await until(() => queued() === 0, 'nothing in the queue');
      client.leave();
    });

    it('a client that does not read the events after a burst is disconnected', async () => {
      const client = await RawClient.get(app, '/rows-then-live');
      client.stall();
      await until(() => connections().length === 1 && live.observed);
      let published = 0;
      await until(() => {
        published++;
        live.next(event({ data: LARGE }));
        return connections().length === 0;
      }, 'the cut');
      // Kernels take some megabytes; the queue is 1 MiB besides the burst.
      expect(published).toBeLessThan(200);
      expect(queued()).toBe(0);
      expect(logger.warnings).toEqual([expect.stringContaining('"overflow.maxBytes" (1048576)')]);
    });
  });

  describe('unread data', () => {
    prepare();

    /**
     * Clients that connect one after the other and read nothing, until one is disconnected. The kernel takes part of
     * the data of each.
     */
    async function stalledUntilOneGoes(path: string): Promise<RawClient[]> {
      const clients: RawClient[] = [];
      while (logger.warnings.length === 0 && clients.length < 100) {
        const client = await RawClient.get(app, path);
        client.stall();
        clients.push(client);
        await until(() => handled === clients.length);
        expect(queued()).toBeLessThanOrEqual(28 * MEGABYTE);
      }
      expect(clients.length).toBeGreaterThan(4);
      return clients;
    }

    it.each(['/many-rows', '/ending'])(
      'is bounded for the process, and a new client gets its burst (%s)',
      async (path) => {
        const clients = await stalledUntilOneGoes(path);
        const last = clients.at(-1) as RawClient;
        last.resume();
        await last.receives('id: 5999\n');
        expect(ids(last.body).slice(0, 6000)).toEqual(range(0, 6000));
        expect(logger.warnings).toEqual([expect.stringContaining('"maxQueuedBytes" (29360128)')]);
        expect(logger.warnings[0]).not.toContain(`connection ${clients.length.toString(36)} `);
        expect([...reasons.values()].every((reason) => isSseError(reason, 'SSE_OVERFLOW'))).toBe(true);
        for (const client of clients) client.leave();
        await until(() => connections().length === 0);
        expect(queued()).toBe(0);
      },
    );

    it('never disconnects a client that reads', async () => {
      const other = await RawClient.get(app, '/live');
      await until(() => live.observed);
      const clients = await stalledUntilOneGoes('/many-rows');
      live.next(event({ data: 'still here' }));
      await other.receives('still here');
      for (const client of [...clients, other]) client.leave();
    });
  });
});
