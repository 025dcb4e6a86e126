import 'reflect-metadata';
import { Controller, type INestApplication, Param } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Sse, SseConnections, SseModule } from 'nestjs-event-stream';
import { defineEvents, type } from 'nestjs-event-stream/events';
import { checkEvents, openStream, SSE_CLOCK, TestClock } from 'nestjs-event-stream/testing';
import { NEVER } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const importEvents = defineEvents({ progress: type<{ percent: number }>(), done: type<{ url: string }>() });

@Controller()
class KitController {
  @Sse('imports/:id', { events: importEvents })
  *watch(@Param('id') id: string) {
    yield importEvents.progress({ percent: 50 });
    yield importEvents.done({ url: `/files/${id}` });
  }
  @Sse('quiet', {
    heartbeat: { intervalMs: 15_000, event: 'ping' },
    timeout: { afterMs: 60_000, event: 'late' },
  })
  quiet() {
    return NEVER;
  }
  @Sse('log') *log() {
    for (;;) yield 'a line of the log';
  }
}

async function make(platform: object, clock?: TestClock): Promise<INestApplication> {
  const builder = Test.createTestingModule({ imports: [SseModule.forRoot()], controllers: [KitController] });
  if (clock) builder.overrideProvider(SSE_CLOCK).useValue(clock);
  const module = await builder.compile();
  return module.createNestApplication(platform as never, { logger: false });
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('in Vitest, on %s', (_name, platform) => {
  let app: INestApplication;
  afterEach(() => app.close());

  describe('with a test clock', () => {
    let clock: TestClock;
    beforeEach(async () => {
      clock = new TestClock();
      app = await make(platform(), clock);
    });

    it('a stream is read by its contract, with and without a port', async () => {
      const within = await openStream(app, '/imports/7', { events: importEvents });
      expect((await within.next('done')).data.url).toBe('/files/7');
      await app.listen(0, '127.0.0.1');
      const over = await openStream(app, '/imports/7', { events: importEvents });
      expect(await over.rest()).toHaveLength(2);
      expect(await checkEvents(app, '/imports/7')).toHaveLength(2);
    });

    it('time is virtual', async () => {
      const stream = await openStream(app, '/quiet');
      await clock.advance(16_000);
      expect((await stream.next()).type).toBe('ping');
      await clock.advance(60_000);
      expect((await stream.rest()).at(-1)?.type).toBe('late');
    });

    it('a client can stall, and vanish', async () => {
      const stalled = await openStream(app, '/log', { stalled: true });
      const gone = await openStream(app, '/log');
      await gone.next();
      gone.vanish();
      await clock.advance(60_000);
      expect(app.get(SseConnections).count()).toBe(0);
      await stalled.close();
    });
  });

  it('the fake timers of Vitest move the clock of the library', async () => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    });
    try {
      app = await make(platform());
      const stream = await openStream(app, '/quiet');
      const late = stream.next('late');
      await vi.advanceTimersByTimeAsync(16_000);
      await vi.advanceTimersByTimeAsync(60_000);
      expect((await late).type).toBe('late');
    } finally {
      vi.useRealTimers();
    }
  });
});
