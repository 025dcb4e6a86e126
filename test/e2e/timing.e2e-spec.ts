import { Controller, Param } from '@nestjs/common';
import type { ExecutionContext, INestApplication } from '@nestjs/common';
import { NEVER, Subject } from 'rxjs';
import { comment, isSseError, Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { ManualClock } from '../fixtures/manual-clock.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

let values = new Subject<unknown>();
let released = 0;
const reasons: unknown[] = [];

const fromRequest = (context: ExecutionContext): string =>
  context.switchToHttp().getRequest<{ params: { shard: string } }>().params.shard;

async function* waiting(signal: AbortSignal) {
  signal.addEventListener('abort', () => reasons.push(signal.reason));
  try {
    yield { id: 1, data: 'a' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  } finally {
    released++;
  }
}

@Controller('quiet')
class QuietController {
  @Sse()
  quiet() {
    return NEVER;
  }
}
@Controller('values')
class ValuesController {
  @Sse({ heartbeat: 1000 })
  values() {
    return values;
  }
}
@Controller('always')
class AlwaysController {
  @Sse({ heartbeat: { intervalMs: 1000, always: true, data: 'beat' } })
  values() {
    return values;
  }
}
@Controller('none')
class NoneController {
  @Sse({ heartbeat: false })
  none() {
    return NEVER;
  }
}
let beats = 0;
@Controller('made/:shard')
class MadeController {
  @Sse({ heartbeat: { intervalMs: 1000, event: 'ping', data: () => ({ beat: ++beats }), id: fromRequest } })
  made() {
    return NEVER;
  }
}
@Controller('broken')
class BrokenController {
  @Sse({ heartbeat: { intervalMs: 1000, data: 1n } })
  async *broken(@SseSignal() signal: AbortSignal) {
    yield* waiting(signal);
  }
}
@Controller('timeout')
class TimeoutController {
  @Sse('default', { timeout: { afterMs: 5000 }, heartbeat: false })
  default(@SseSignal() signal: AbortSignal) {
    return waiting(signal);
  }
  @Sse('named/:shard', {
    timeout: { afterMs: (context) => Number(fromRequest(context)), event: 'TIMEOUT', data: 'too long' },
    heartbeat: false,
  })
  named(@SseSignal() signal: AbortSignal, @Param('shard') _shard: string) {
    return waiting(signal);
  }
  @Sse('made/:shard', { timeout: { afterMs: 5000, data: (c: ExecutionContext) => ({ of: fromRequest(c) }) } })
  made(@SseSignal() signal: AbortSignal) {
    return waiting(signal);
  }
  @Sse('broken', {
    timeout: {
      afterMs: 5000,
      data: () => {
        throw new Error('no last word');
      },
    },
  })
  broken(@SseSignal() signal: AbortSignal) {
    return waiting(signal);
  }
  @Sse('nonsense', { timeout: { afterMs: () => NaN } })
  nonsense(@SseSignal() signal: AbortSignal) {
    return waiting(signal);
  }
  @Sse('short', { timeout: { afterMs: 5000 } })
  async *short() {
    yield 'a';
  }
}
@Controller('rotation')
class RotationController {
  @Sse({ maxDurationMs: 60_000, heartbeat: false })
  rotation(@SseSignal() signal: AbortSignal) {
    return waiting(signal);
  }
  @Sse('stuck', { maxDurationMs: 60_000, heartbeat: false, teardownWarnMs: false })
  async *stuck() {
    yield 'a';
    await new Promise(() => undefined);
  }
}

/** Timers are late by at most 1/256 of their delay. */
const LATE = 1 + 1 / 256;
/** Heartbeats by at most 1/32: they are batched. */
const BEAT_LATE = 1 + 1 / 32;
const EVENT_SOURCE = { headers: { 'cache-control': 'no-cache' } };

eachAdapter((adapter) => {
  let app: INestApplication;
  let clock: ManualClock;
  const logger = new RecordingLogger();

  beforeEach(async () => {
    values = new Subject();
    released = beats = 0;
    reasons.length = logger.errors.length = 0;
    clock = new ManualClock();
    app = await makeApp(adapter, {
      controllers: [
        QuietController,
        ValuesController,
        AlwaysController,
        NoneController,
        MadeController,
        BrokenController,
        TimeoutController,
        RotationController,
      ],
      clock,
      logger,
    });
  });
  afterEach(async () => {
    app.get(SseConnections).closeWhere(() => true);
    await until(() => app.get(SseConnections).count() === 0);
    expect(app.get(SseConnections).timers.size).toBe(0);
    await closeApps();
  });

  const opened = async (path: string, init = {}): Promise<TestStream> => {
    const stream = await openStream(app, path, init);
    await stream.rawUntil((body) => body !== '');
    return stream;
  };
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  describe('a heartbeat', () => {
    it('is one comment line, 15 seconds after the last byte', async () => {
      const stream = await opened('/quiet');
      clock.advance(14_999);
      await turns();
      expect(stream.raw()).toBe(':\n');
      clock.advance(15_000 * BEAT_LATE - 14_999);
      expect(await stream.rawUntil((body) => body.length > 2)).toBe(':\n:\n');
      clock.advance(15_000 * BEAT_LATE);
      expect(await stream.rawUntil((body) => body.length > 4)).toBe(':\n:\n:\n');
    });

    it('is not sent while there are events', async () => {
      const stream = await opened('/values');
      for (let i = 0; i < 5; i++) {
        clock.advance(900);
        values.next(comment(String(i)));
        await stream.rawUntil((body) => body.endsWith(`: ${i}\n`));
      }
      expect(stream.raw()).toBe(':\n: 0\n: 1\n: 2\n: 3\n: 4\n');
      clock.advance(1000 * BEAT_LATE + 1);
      await stream.rawUntil((body) => body.endsWith(': 4\n:\n'));
    });

    it('is sent nevertheless if the route asks for it', async () => {
      const stream = await opened('/always');
      for (let i = 0; i < 5; i++) {
        clock.advance(500);
        values.next(i);
        await stream.rawUntil((body) => body.includes(`data: ${i}\n`));
      }
      expect(stream.raw().match(/data: beat\n\n/g)).toHaveLength(2);
    });

    it('is not sent if it is disabled', async () => {
      const stream = await opened('/none');
      clock.advance(1_000_000);
      await turns();
      expect(stream.raw()).toBe(':\n');
    });

    it('can be an event that a page sees, made for each beat and request', async () => {
      const stream = await opened('/made/s7');
      clock.advance(1000 * BEAT_LATE);
      await stream.next('ping');
      clock.advance(1000 * BEAT_LATE);
      await stream.next('ping');
      expect(stream.raw()).toBe(
        ':\nevent: ping\nid: s7\ndata: {"beat":1}\n\nevent: ping\nid: s7\ndata: {"beat":2}\n\n',
      );
    });

    it('that cannot be created is an error event, and the source is released', async () => {
      const stream = await opened('/broken');
      clock.advance(1000 * BEAT_LATE);
      await stream.next('error');
      expect(await stream.end()).toBe('ended');
      await until(() => released === 1);
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toContain('1n cannot be written as JSON');
    });
  });

  describe('a timeout', () => {
    const expectExpired = async (): Promise<void> => {
      await until(() => released === 1);
      expect(reasons).toHaveLength(1);
      expect(isSseError(reasons[0], 'SSE_EXPIRED')).toBe(true);
    };

    it('ends the stream with an event', async () => {
      const stream = await opened('/timeout/default');
      clock.advance(4999);
      await turns();
      expect(stream.raw()).toBe(':\nid: 1\ndata: a\n\n');
      clock.advance(5000 * LATE - 4999);
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toBe(
        ':\nid: 1\ndata: a\n\ndata: {"type":"timeout","message":"The time of this stream is up."}\n\n',
      );
      await expectExpired();
    });

    it('has the given time, name and payload', async () => {
      const stream = await opened('/timeout/named/300');
      clock.advance(300 * LATE + 1);
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toBe(':\nid: 1\ndata: a\n\nevent: TIMEOUT\ndata: too long\n\n');
      await expectExpired();
      const made = await opened('/timeout/made/s9');
      clock.advance(5000 * LATE + 1);
      await made.end();
      expect(made.raw()).toContain('data: {"of":"s9"}\n\n');
    });

    it('tells an EventSource to stay away', async () => {
      const stream = await opened('/timeout/named/300', EVENT_SOURCE);
      clock.advance(300 * LATE + 1);
      await stream.end();
      expect(stream.raw()).toBe(':\nid: 1\ndata: a\n\nevent: TIMEOUT\nid: ~end\ndata: too long\n\n');
    });

    it('whose last event cannot be created is an error event', async () => {
      const stream = await opened('/timeout/broken');
      clock.advance(5000 * LATE + 1);
      await stream.next('error');
      expect(await stream.end()).toBe('ended');
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toContain('no last word');
    });

    it('with an invalid time is an error event, at once', async () => {
      const stream = await opened('/timeout/nonsense');
      await stream.next('error');
      expect(await stream.end()).toBe('ended');
      expect(logger.errors[0]).toContain('NaN');
    });

    it('leaves nothing behind if the stream ended before', async () => {
      const stream = await opened('/timeout/short');
      await stream.end();
      expect(stream.raw()).toBe(':\ndata: a\n\n');
      await until(() => app.get(SseConnections).count() === 0);
      expect(app.get(SseConnections).timers.size).toBe(0);
    });
  });

  describe('a rotation (maxDurationMs)', () => {
    it('ends the connection without an event, so that the client reconnects and resumes', async () => {
      const stream = await opened('/rotation', EVENT_SOURCE);
      clock.advance(60_000 * 0.9 - 1);
      await turns();
      expect(stream.raw()).toBe(':\nid: 1\ndata: a\n\n');
      clock.advance(60_000 * 0.2 * LATE + 2);
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toBe(':\nid: 1\ndata: a\n\n');
      await until(() => released === 1);
      expect(isSseError(reasons[0], 'SSE_EXPIRED')).toBe(true);
    });

    it('does not wait for a generator that hangs in an await and ignores its signal', async () => {
      const stream = await opened('/rotation/stuck');
      clock.advance(60_000 * 1.1 * LATE + 2);
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toBe(':\ndata: a\n\n');
    });

    it('of connections that were opened together is spread', async () => {
      const streams = await Promise.all(Array.from({ length: 30 }, () => opened('/rotation')));
      const counts = new Set<number>();
      for (let i = 0; i < 20; i++) {
        clock.advance(i === 0 ? 54_000 : 700);
        await turns();
        counts.add(app.get(SseConnections).count());
      }
      expect(counts.size).toBeGreaterThan(5);
      await Promise.all(streams.map((stream) => stream.end()));
    });
  });
});
