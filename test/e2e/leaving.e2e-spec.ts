import { Controller, Get, Injectable, Param, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import type {
  CallHandler,
  CanActivate,
  INestApplication,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { jest } from '@jest/globals';
import { Observable } from 'rxjs';
import { Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

/** The step of the server, and the gate that holds it there until the test opens it. */
class Moment {
  reached = false;
  private goOn: (() => void) | undefined;
  async here(): Promise<void> {
    this.reached = true;
    await new Promise<void>((resolve) => (this.goOn = resolve));
  }
  leave(): void {
    this.goOn?.();
  }
}

let moment: Moment;
let log: string[] = [];

const codeOf = (signal: AbortSignal): unknown => (signal.reason as { code?: unknown }).code;
const watch = (signal: AbortSignal): void => {
  signal.addEventListener('abort', () => log.push(`aborted ${String(codeOf(signal))}`));
  if (signal.aborted) log.push(`was aborted ${String(codeOf(signal))}`);
};

@Injectable()
class SlowGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    await moment.here();
    return true;
  }
}
@Injectable()
class SlowPipe implements PipeTransform {
  async transform(value: unknown): Promise<unknown> {
    if (typeof value === 'string') await moment.here();
    return value;
  }
}
@Injectable()
class SlowInterceptor implements NestInterceptor {
  async intercept(_context: unknown, next: CallHandler) {
    await moment.here();
    return next.handle();
  }
}

async function* tracked(name: string) {
  log.push(`${name} started`);
  try {
    for (let i = 0; ; i++) {
      yield i;
      await moment.here();
    }
  } finally {
    log.push(`${name} released`);
  }
}
function observed(name: string) {
  return new Observable((subscriber) => {
    log.push(`${name} started`);
    subscriber.next(1);
    void moment.here().then(() => subscriber.next(2));
    return () => log.push(`${name} released`);
  });
}

@Controller()
class LeavingController {
  @Sse('guard')
  @UseGuards(SlowGuard)
  guard(@SseSignal() signal: AbortSignal) {
    log.push('handler');
    watch(signal);
    return tracked('source');
  }
  @Sse('pipe/:id')
  @UsePipes(SlowPipe)
  pipe(@SseSignal() signal: AbortSignal, @Param('id') _id: string) {
    watch(signal);
    return tracked('source');
  }
  @Sse('interceptor')
  @UseInterceptors(SlowInterceptor)
  interceptor(@SseSignal() signal: AbortSignal) {
    log.push('handler');
    watch(signal);
    return tracked('source');
  }
  @Sse('setup')
  async setup(@SseSignal() signal: AbortSignal) {
    watch(signal);
    await moment.here();
    return tracked('source');
  }
  @Sse('setup-observable')
  async setupObservable(@SseSignal() signal: AbortSignal) {
    watch(signal);
    await moment.here();
    return observed('source');
  }
  @Sse('setup-rejects')
  async setupRejects(@SseSignal() signal: AbortSignal): Promise<string[]> {
    watch(signal);
    await moment.here();
    throw new Error('setup failed late');
  }
  @Sse('setup-stream')
  async setupStream() {
    await moment.here();
    const stream = new PassThrough();
    stream.once('close', () => log.push('stream closed'));
    return stream;
  }
  @Sse('first-await')
  async *firstAwait(@SseSignal() signal: AbortSignal) {
    watch(signal);
    try {
      await moment.here();
      log.push('went on');
      yield 'never';
    } finally {
      log.push('source released');
    }
  }
  @Sse('between')
  between(@SseSignal() signal: AbortSignal) {
    watch(signal);
    return tracked('source');
  }
  @Sse('between-observable')
  betweenObservable(@SseSignal() signal: AbortSignal) {
    watch(signal);
    return observed('source');
  }
  @Sse('yield-in-finally')
  async *yieldInFinally() {
    try {
      yield 'a';
      await moment.here();
      yield 'b';
    } finally {
      yield 'goodbye';
      log.push('said goodbye');
      yield 'really';
      log.push('source released');
    }
  }
  @Sse('rejects-late')
  async *rejectsLate() {
    yield 'a';
    await moment.here();
    throw new Error('failed late');
  }
  @Sse('throws-the-reason')
  async *throwsTheReason(@SseSignal() signal: AbortSignal) {
    yield 'a';
    await moment.here();
    signal.throwIfAborted();
  }
  @Sse('parked', { teardownWarnMs: 20 })
  async *parked() {
    try {
      yield 'a';
      await moment.here();
    } finally {
      log.push('source released');
    }
  }
  @Sse('short')
  async *short(@SseSignal() signal: AbortSignal) {
    watch(signal);
    try {
      yield 'a';
    } finally {
      log.push('source released');
    }
  }
  @Sse('plain')
  async plain(@SseSignal() signal: AbortSignal) {
    watch(signal);
    await moment.here();
    return { plain: true };
  }
  @Get('quick')
  quick() {
    return { ok: true };
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    const logger = new RecordingLogger();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    const late: string[] = [];

    beforeAll(async () => {
      app = await makeApp(adapter, { controllers: [LeavingController], logger, setUp });
      process.on('unhandledRejection', onUncaught).on('uncaughtException', onUncaught);
      // The server must not write to a response whose client has left.
      for (const name of ['write', 'end'] as const) {
        const original = ServerResponse.prototype[name] as (...args: unknown[]) => unknown;
        jest.spyOn(ServerResponse.prototype, name).mockImplementation(function (
          this: ServerResponse,
          ...args: unknown[]
        ) {
          if (this.destroyed || this.writableEnded || this.closed) late.push(name);
          return original.apply(this, args) as never;
        });
      }
    });
    beforeEach(() => {
      moment = new Moment();
      log = [];
      logger.errors.length = logger.warnings.length = late.length = 0;
    });
    afterAll(async () => {
      jest.restoreAllMocks();
      process.off('unhandledRejection', onUncaught).off('uncaughtException', onUncaught);
      await closeApps();
      expect(uncaught).toEqual([]);
    });

    const connected = async (path: string): Promise<Socket> => {
      const { port } = new URL(await app.getUrl());
      const socket = connect(Number(port), '127.0.0.1');
      socket.resume();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return socket;
    };
    /** Leaves when the server has reached its step, waits until the server knows, and opens the gate. */
    const leaveAt = async (path: string): Promise<void> => {
      const connections = app.get(SseConnections);
      const socket = await connected(path);
      await until(() => moment.reached, 'the moment');
      const { getConnections } = app.getHttpServer() as {
        getConnections(done: (e: unknown, n: number) => void): void;
      };
      socket.destroy();
      for (let open = 1; open > 0;) {
        open = await new Promise<number>((resolve) =>
          getConnections.call(app.getHttpServer(), (_e, n) => resolve(n)),
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(connections.count()).toBe(0);
      moment.leave();
      for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
      expect(connections.timers.size).toBe(0);
      expect(connections.count()).toBe(0);
      expect(late).toEqual([]);
    };

    it('during a guard: no handler, no source', async () => {
      await leaveAt('/guard');
      expect(log).toEqual([]);
    });

    it('during an interceptor: the source is never started', async () => {
      await leaveAt('/interceptor');
      expect(log).not.toContain('source started');
    });

    it('during a pipe: no handler, no source', async () => {
      await leaveAt('/pipe/7');
      expect(log).toEqual([]);
    });

    it.each(['/setup', '/setup-observable'])(
      'during the setup (%s): the source is never started',
      async (path) => {
        await leaveAt(path);
        expect(log).toEqual(['aborted SSE_CLIENT_GONE']);
      },
    );

    it('during the setup of a stream: it is closed', async () => {
      await leaveAt('/setup-stream');
      await until(() => log.includes('stream closed'));
      expect(log).toEqual(['stream closed']);
    });

    it('during a setup that then fails: logged once', async () => {
      await leaveAt('/setup-rejects');
      expect(log).toEqual(['aborted SSE_CLIENT_GONE']);
      // The handler took the signal, so its failure counts as its reaction to the signal.
      expect(logger.errors).toEqual([]);
      expect(logger.debugs).toHaveLength(1);
      expect(logger.debugs[0]).toMatch(/LeavingController\.setupRejects.*aborted: Error: setup failed late/);
    });

    it('during the first await: the signal first, then the source continues and is released', async () => {
      await leaveAt('/first-await');
      expect(log).toEqual(['aborted SSE_CLIENT_GONE', 'went on', 'source released']);
      expect(logger.errors).toEqual([]);
    });

    it.each([
      ['/between', ['source started', 'aborted SSE_CLIENT_GONE', 'source released']],
      ['/between-observable', ['source started', 'aborted SSE_CLIENT_GONE', 'source released']],
    ])('between events (%s): released exactly once', async (path, expected) => {
      await leaveAt(path);
      expect(log).toEqual(expected);
      expect(logger.errors).toEqual([]);
    });

    it('values yielded in `finally` are drained, so that the generator finishes', async () => {
      await leaveAt('/yield-in-finally');
      expect(log).toEqual(['said goodbye', 'source released']);
      expect(logger.errors).toEqual([]);
    });

    it('an error after the client has left is logged once', async () => {
      await leaveAt('/rejects-late');
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toMatch(/LeavingController\.rejectsLate.*failed late/);
    });

    it('a source that throws the reason of the signal is not reported', async () => {
      await leaveAt('/throws-the-reason');
      expect(logger.errors).toEqual([]);
    });

    it('while an ordinary answer is made: nothing is sent, nothing remains', async () => {
      await leaveAt('/plain');
      expect(log).toEqual(['aborted SSE_CLIENT_GONE']);
    });

    it('after the end: released once, by the end', async () => {
      const socket = await connected('/short');
      await until(() => log.length === 2);
      socket.destroy();
      await until(() => app.get(SseConnections).count() === 0);
      expect(log.toSorted()).toEqual(['aborted SSE_ENDED', 'source released']);
      expect(late).toEqual([]);
    });

    it('before the request was read', async () => {
      for (let i = 0; i < 20; i++) {
        const socket = await connected('/short');
        socket.once('connect', () => socket.resetAndDestroy());
        await new Promise((resolve) => socket.once('close', resolve));
      }
      await until(() => app.get(SseConnections).count() === 0);
      expect(log.filter((entry) => entry === 'source released').length).toBe(
        log.filter((entry) => entry.startsWith('aborted')).length,
      );
    });

    it('behind another answer of the same connection: noticed at once', async () => {
      const socket = await connected('/between');
      await until(() => log.includes('source started'));
      socket.write('GET /between HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await until(() => app.get(SseConnections).count() === 2);
      socket.destroy();
      await until(() => app.get(SseConnections).count() === 0);
      moment.leave();
      await until(() => log.includes('source released'));
      expect(late).toEqual([]);
    });

    it('while the source waits for something that never settles: one warning that names the handler', async () => {
      const socket = await connected('/parked');
      await until(() => moment.reached);
      socket.destroy();
      await until(() => logger.warnings.length > 0, 'the warning');
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 2));
      expect(logger.warnings).toEqual([
        'The source of LeavingController.parked (GET /parked) still runs 20 ms after its stream has ended. It waits for something ' +
          'that does not settle. Pass it the @SseSignal() of the handler.',
      ]);
      expect(app.get(SseConnections).count()).toBe(0);
      moment.leave();
      await until(() => log.includes('source released'));
    });

    it('leaves no trace in the server', async () => {
      const answer = await openStream(app, '/quick');
      expect(await answer.json()).toEqual({ ok: true });
    });
  }),
);
