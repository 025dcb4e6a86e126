import { Controller, Param } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Observable } from 'rxjs';
import { Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

const CYCLES = 1000;
/** The size of a leak of a quarter of a stream's memory. */
const MAX_GROWTH_BYTES = CYCLES * 1024;

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

let started = 0;
let released = 0;

@Controller()
class CyclesController {
  @Sse('generator/:id')
  async *generator(@Param('id') id: string, @SseSignal() signal: AbortSignal) {
    started++;
    try {
      yield { id };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    } finally {
      released++;
    }
  }

  @Sse('observable/:id', { timeout: { afterMs: 60_000 }, maxDurationMs: 120_000 })
  observable(@Param('id') id: string) {
    return new Observable((subscriber) => {
      started++;
      subscriber.next({ id });
      return () => released++;
    });
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    let port: number;
    beforeEach(async () => {
      started = released = 0;
      app = await makeApp(adapter, { controllers: [CyclesController], setUp });
      port = Number(new URL(await app.getUrl()).port);
    });
    afterEach(closeApps);

    /** Connects, waits for the first event or not, and disconnects. */
    const cycle = (path: string, wait: boolean): Promise<void> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
          if (!wait) setImmediate(() => socket.resetAndDestroy());
        });
        socket.on('data', (chunk) => {
          if (chunk.includes('data: ')) socket.resetAndDestroy();
        });
        socket.on('error', reject);
        socket.on('close', () => resolve());
      });

    const cycles = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 20) {
        const round = Array.from({ length: 20 }, (_, n) =>
          cycle(`/${n % 2 ? 'generator' : 'observable'}/${i + n}`, n % 5 !== 0),
        );
        await Promise.all(round);
      }
      await until(() => app.get(SseConnections).count() === 0 && released === started, 'the release of all');
    };

    /** The heap after a full garbage collection. */
    const heap = async (): Promise<number> => {
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        collectGarbage();
      }
      return process.memoryUsage().heapUsed;
    };

    it(`after ${CYCLES} clients have come and gone, no connection, timer or memory remains`, async () => {
      await cycles(CYCLES / 2);
      const before = await heap();
      await cycles(CYCLES);
      expect(app.get(SseConnections).timers.size).toBe(0);
      expect(started).toBeGreaterThan(CYCLES);
      expect((await heap()) - before).toBeLessThan(MAX_GROWTH_BYTES);
    });
  }),
);
