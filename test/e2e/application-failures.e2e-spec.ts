import { Controller, Injectable, Param, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import type {
  CallHandler,
  CanActivate,
  ExecutionContext,
  INestApplication,
  NestInterceptor,
} from '@nestjs/common';
import * as fc from 'fast-check';
import { connect } from 'node:net';
import { finalize, map, of, timer, type Observable } from 'rxjs';
import { Channels, event, Runs, Sse, SseConnections, SseSignal, type SlotStore } from 'nestjs-event-stream';
import { SlotTable } from '../../src/limits/limits.js';
import { ownRuns } from '../fixtures/own-runs.js';
import {
  forEverUnlessReturned,
  forgetPlans,
  mayFail,
  register,
  SOURCES,
  type Plan,
} from '../fixtures/failure-plans.js';
import { STATUS, THROWN } from '../fixtures/hostile-errors.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

/**
 * The moment at which a point fails. It decides where the failure is reported.
 * - `nest`: before Nest calls the library. Nest decides what to log.
 * - `head`: before the head. The client gets an HTTP error, which Nest logs unless it has a status.
 * - `stream`: after the head. The client gets an error event, which is logged if its status is 500 or higher.
 * - `teardown`: only in the log.
 * - `wrapped`: like `head` or `stream`, as an error of the library: always logged.
 */
type Moment = 'nest' | 'head' | 'stream' | 'teardown' | 'wrapped';

interface Point {
  moment: Moment;
  /** The path of the route, before the id. */
  route: string;
  /** The client leaves after the first event; otherwise it reads to the end. */
  leaves?: true;
  /** How often the failure is logged. @default 1 */
  lines?: number;
  /** A promise in place of the answer is itself the error, because the library cannot wait there. */
  synchronous?: true;
  /** `JSON.stringify()` and the subscribers of rxjs drop a promise before the library can see it. */
  onlyThrows?: true;
}

const POINTS: Readonly<Record<string, Point>> = {
  guard: { moment: 'nest', route: 'around' },
  pipe: { moment: 'head', route: 'around' },
  'interceptor, at once': { moment: 'head', route: 'around' },
  'interceptor, map': { moment: 'stream', route: 'around', synchronous: true },
  'interceptor, finalize after the client': {
    moment: 'teardown',
    route: 'around-quiet',
    leaves: true,
    onlyThrows: true,
  },
  handler: { moment: 'head', route: 'source/generator' },
  'generator, at once': { moment: 'head', route: 'source/generator' },
  'generator, later': { moment: 'stream', route: 'source/generator' },
  'generator, finally': { moment: 'stream', route: 'source/generator' },
  'generator, finally after the client': { moment: 'teardown', route: 'source/generator', leaves: true },
  'sync, at once': { moment: 'head', route: 'source/sync' },
  'sync, later': { moment: 'stream', route: 'source/sync' },
  'iterator, next': { moment: 'stream', route: 'source/iterator' },
  'iterator, result': { moment: 'stream', route: 'source/iterator' },
  'iterator, return': { moment: 'teardown', route: 'source/iterator', leaves: true },
  'observable, subscribe': { moment: 'head', route: 'source/observable', onlyThrows: true },
  'observable, error': { moment: 'stream', route: 'source/observable' },
  'observable, teardown': { moment: 'teardown', route: 'source/observable' },
  'observable, teardown after the client': { moment: 'teardown', route: 'source/observable', leaves: true },
  'piped, map': { moment: 'stream', route: 'source/piped', synchronous: true },
  'piped, finalize after the client': { moment: 'teardown', route: 'source/piped', leaves: true },
  'web, pull': { moment: 'stream', route: 'source/web' },
  // A stream whose fetch was aborted rejects here, too. Such a rejection is ignored.
  'web, cancel': { moment: 'teardown', route: 'source/web', leaves: true, lines: 0 },
  'values, toJSON': { moment: 'wrapped', route: 'source/values', onlyThrows: true },
  'values, getter': { moment: 'stream', route: 'source/values', synchronous: true },
  'values, themselves': { moment: 'wrapped', route: 'source/values' },
  'signal, listener': { moment: 'teardown', route: 'signal', leaves: true },
  'signal, listener (run)': { moment: 'teardown', route: 'stopped-run' },
  'snapshot, finally after the client': { moment: 'teardown', route: 'snapshot', leaves: true },
  'snapshot, listener': { moment: 'teardown', route: 'snapshot', leaves: true },
  'limit.key': { moment: 'head', route: 'options/generator', synchronous: true },
  expiresAt: { moment: 'head', route: 'options/generator', synchronous: true },
  ids: { moment: 'stream', route: 'options/generator', synchronous: true },
  serialize: { moment: 'wrapped', route: 'options/generator' },
  'errors.map': { moment: 'wrapped', route: 'options/failing', lines: 2 },
  onError: { moment: 'wrapped', route: 'options/failing', lines: 2 },
  'complete.data': { moment: 'wrapped', route: 'complete', onlyThrows: true },
  'heartbeat.data': { moment: 'stream', route: 'beat', synchronous: true },
  'heartbeat.id': { moment: 'stream', route: 'beat', synchronous: true },
  'timeout.afterMs': { moment: 'stream', route: 'timeout', synchronous: true },
  'timeout.data': { moment: 'stream', route: 'timeout', synchronous: true },
  'guard, again': { moment: 'stream', route: 'guarded' },
  'guard, again, teardown': { moment: 'teardown', route: 'guarded-observable' },
  'slots.acquire': { moment: 'head', route: 'options/generator' },
  'slots.acquire, to evict': { moment: 'head', route: 'evict' },
  'slot.release': { moment: 'teardown', route: 'options/generator' },
  'slot.release after the client': { moment: 'teardown', route: 'options/quiet', leaves: true },
  filter: { moment: 'head', route: 'channel', synchronous: true },
  until: { moment: 'stream', route: 'channel', synchronous: true },
  'filter, later': { moment: 'stream', route: 'channel', synchronous: true },
  'run, source': { moment: 'stream', route: 'run/generator' },
  'generator, later (run)': { moment: 'stream', route: 'run/generator' },
  'observable, teardown (run)': { moment: 'teardown', route: 'run/observable' },
};

/** The point as the functions know it: one source serves a stream and a run. */
const pointOf = (name: string): string => name.replace(' (run)', '');

const idOf = (context: ExecutionContext): string =>
  context.switchToHttp().getRequest<{ params: { id: string } }>().params.id;

@Injectable()
class FailingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const id = idOf(context);
    return mayFail(id, 'guard') ?? mayFail(id, 'guard, again', 2) ?? true;
  }
}

/** Answers with an Observable. The first answer allows the stream, the second rejects it. */
@Injectable()
class ObservableGuard implements CanActivate {
  private readonly asked = new Set<string>();
  canActivate(context: ExecutionContext): Observable<boolean> {
    const id = idOf(context);
    const again = this.asked.has(id);
    this.asked.add(id);
    // The second answer comes within the turn. A later one could miss the next run of the guards on a busy machine.
    const answer = again ? of(false) : timer(1).pipe(map(() => true));
    return answer.pipe(finalize(() => (again ? mayFail(id, 'guard, again, teardown') : undefined)));
  }
}

class FailingPipe {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? (mayFail(value, 'pipe') ?? value) : value;
  }
}

@Injectable()
class FailingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const id = idOf(context);
    return (
      mayFail(id, 'interceptor, at once') ??
      next.handle().pipe(
        map((value) => mayFail(id, 'interceptor, map', 2) ?? value),
        finalize(() => mayFail(id, 'interceptor, finalize after the client')),
      )
    );
  }
}

const SOURCE_OPTIONS = {
  limit: {
    key: (context: ExecutionContext) => mayFail(idOf(context), 'limit.key') ?? idOf(context),
    max: 1,
  },
  expiresAt: (context: ExecutionContext) => mayFail(idOf(context), 'expiresAt'),
  ids: (value: unknown, context: ExecutionContext) =>
    mayFail(idOf(context), 'ids', 2) ?? String((value as { n: number }).n),
  serialize: (value: unknown) =>
    mayFail(String((value as { id?: string }).id), 'serialize') ?? JSON.stringify(value),
  errors: { map: (error: unknown, context: ExecutionContext) => mayFail(idOf(context), 'errors.map') ?? {} },
};

const slots = new SlotTable();
const held = new Set<object>();

/** A store of the application that fails. */
const failingSlots: SlotStore = {
  acquire(requests) {
    const id = requests[0]?.key.split(':').at(-1) as string;
    const failure = mayFail(id, 'slots.acquire') ?? mayFail(id, 'slots.acquire, to evict');
    if (failure) return failure;
    const answer = slots.acquire(requests);
    if (!('slot' in answer)) return answer;
    const { slot } = answer;
    held.add(slot);
    const release = (): void => {
      held.delete(slot);
      slot.release();
      return mayFail(id, 'slot.release') ?? mayFail(id, 'slot.release after the client');
    };
    return { slot: { release } };
  },
};

@Controller()
class FailingController {
  constructor(
    private readonly channels: Channels,
    private readonly runs: Runs,
  ) {}

  @Sse('source/:source/:id')
  source(@Param('source') source: string, @Param('id') id: string): unknown {
    return mayFail(id, 'handler') ?? SOURCES[source]?.(id);
  }
  @Sse('options/:source/:id', SOURCE_OPTIONS)
  options(@Param('source') source: string, @Param('id') id: string): unknown {
    return SOURCES[source]?.(id);
  }
  @UseGuards(FailingGuard)
  @UseInterceptors(FailingInterceptor)
  @UsePipes(FailingPipe)
  @Sse('around/:id')
  around(@Param('id') id: string): unknown {
    return SOURCES['generator']?.(id);
  }
  @UseInterceptors(FailingInterceptor)
  @Sse('around-quiet/:id')
  aroundQuiet(@Param('id') id: string): unknown {
    return SOURCES['quiet']?.(id);
  }
  @Sse('evict/:id', { exclusive: { key: idOf, status: 'replace' } })
  evict(@Param('id') id: string): unknown {
    return SOURCES['generator']?.(id);
  }
  @Sse('complete/:id', {
    complete: { event: 'end', data: { toJSON: () => completing && mayFail(completing, 'complete.data') } },
  })
  async *complete(@Param('id') id: string) {
    yield { id };
    completing = id;
  }
  @Sse('beat/:id', {
    heartbeat: {
      intervalMs: 2,
      event: 'beat',
      data: (context: ExecutionContext) => mayFail(idOf(context), 'heartbeat.data') ?? 'still here',
      id: (context: ExecutionContext) => mayFail(idOf(context), 'heartbeat.id') ?? '1',
    },
  })
  beat(@Param('id') id: string): unknown {
    return SOURCES['quiet']?.(id);
  }
  @Sse('timeout/:id', {
    timeout: {
      afterMs: (context: ExecutionContext) => mayFail(idOf(context), 'timeout.afterMs') ?? 2,
      data: (context: ExecutionContext) => mayFail(idOf(context), 'timeout.data') ?? 'over',
    },
  })
  timeout(@Param('id') id: string): unknown {
    return SOURCES['quiet']?.(id);
  }
  @UseGuards(FailingGuard)
  @Sse('guarded/:id', { revalidateMs: 2 })
  guarded(@Param('id') id: string): unknown {
    return SOURCES['quiet']?.(id);
  }
  @UseGuards(ObservableGuard)
  @Sse('guarded-observable/:id', { revalidateMs: 20 })
  guardedObservable(@Param('id') id: string): unknown {
    return SOURCES['quiet']?.(id);
  }
  @Sse('channel/:id')
  async channel(@Param('id') id: string) {
    const channel = this.channels.channel<{ n: number }>(`failures:${id}`);
    await channel.publish([{ n: 1 }]);
    const later = (): void => void channel.publish([{ n: 2 }, { n: 3 }]).catch(() => undefined);
    setTimeout(later, 2);
    return channel.subscribe({
      from: 'oldest',
      filter: () => (mayFail(id, 'filter') ?? mayFail(id, 'filter, later', 2) ?? true) as boolean,
      until: ({ data }) => (mayFail(id, 'until') ?? data.n === 3) as boolean,
    });
  }
  @Sse('run/:source/:id')
  async run(@Param('source') source: string, @Param('id') id: string) {
    await this.runs.start(id, () => mayFail(id, 'run, source') ?? SOURCES[source]?.(id));
    return this.runs.attach(id);
  }
  @Sse('signal/:id')
  signal(@Param('id') id: string, @SseSignal() signal: AbortSignal): unknown {
    return SOURCES['quietWithSignal']?.(id, signal);
  }
  @Sse('stopped-run/:id')
  async stoppedRun(@Param('id') id: string) {
    const run = await this.runs.start(id, (signal) => SOURCES['quietWithSignal']?.(id, signal));
    setTimeout(() => void run.stop(), 2);
    return run.attach();
  }
  @Sse('snapshot/:id')
  snapshot(@Param('id') id: string) {
    return this.channels.channel(`snapshots:${id}`).subscribe({
      async *snapshot({ signal }) {
        signal.addEventListener('abort', () => mayFail(id, 'snapshot, listener'));
        try {
          for (let n = 1; n <= 2; n++) yield { id, n };
          // The last event is held back.
          await forEverUnlessReturned();
          yield { id, n: 3 };
        } finally {
          await mayFail(id, 'snapshot, finally after the client');
        }
      },
    });
  }
  @Sse('bystander')
  bystander() {
    return this.channels.channel('news').subscribe();
  }
}

/** The streams whose last event is being made. The function that makes the event cannot know its stream. */
let completing: string | undefined;

/** Reads a stream to its end, or leaves after the first event. */
function visit(port: number, path: string, leaves = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
    socket.setTimeout(10_000, () => reject(new Error(`${path} does not end: ${received.slice(-300)}`)));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      if (leaves && received.includes('data: ')) socket.destroy();
    });
    socket.write(`GET /${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  });
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** The number of lines that the log has about a plan. */
function linesOf({ point, thrown, how }: Plan): number {
  const { moment, lines = 1, synchronous } = POINTS[point] as Point;
  if (how === 'rejects' && synchronous) return lines;
  if (moment === 'nest') return 0;
  if (moment === 'teardown' || moment === 'wrapped') return lines;
  const status = STATUS[thrown];
  return moment === 'head' ? Number(status === undefined) : Number(status !== 404);
}

const failure = fc
  .record({
    point: fc.constantFrom(...Object.keys(POINTS)),
    thrown: fc.constantFrom(...Object.keys(THROWN)),
    how: fc.constantFrom<Plan['how'][]>('throws', 'rejects'),
  })
  .filter(({ point, how }) => how === 'throws' || !POINTS[point]?.onlyThrows);

/** A failure of a stream that is still open when the application shuts down. */
const failureAtShutdown = failure.filter(({ point }) => POINTS[point]?.leaves === true);

// No assertion is needed for a crash of the process: Jest fails a test in which an exception is uncaught or a rejection
// unhandled.
eachAdapter((adapter) =>
  eachWay((setUp) => {
    const logger = new RecordingLogger();
    const make = async (): Promise<[app: INestApplication, port: number]> => {
      const onError = (_error: unknown, { executionContext }: { executionContext?: ExecutionContext }) =>
        executionContext && mayFail(idOf(executionContext), 'onError');
      const app = await makeApp(adapter, {
        controllers: [FailingController],
        logger,
        setUp,
        sse: { slots: failingSlots, onError },
      });
      return [app, Number(new URL(await app.getUrl()).port)];
    };
    /** Starts the life of a stream, and returns its path. */
    const begin = (plan: Plan): string =>
      `${POINTS[plan.point]?.route}/${register({ ...plan, point: pointOf(plan.point) })}`;
    const linesOfAll = (plans: Plan[]): number => plans.reduce((sum, plan) => sum + linesOf(plan), 0);
    beforeEach(() => {
      logger.errors.length = 0;
      forgetPlans();
    });
    afterEach(closeApps);

    it('whatever application code does, other streams get everything, and the log has one line', async () => {
      const [app, port] = await make();
      const connections = app.get(SseConnections);
      const runs = app.get(Runs);
      const news = app.get(Channels).channel('news');
      const bystander = visit(port, 'bystander');
      await until(() => news.size() === 1, 'a bystander');
      let published = 0;
      await fc.assert(
        fc
          .asyncProperty(fc.array(failure, { minLength: 1, maxLength: 3 }), async (group) => {
            const visits = group.map((plan) => visit(port, begin(plan), POINTS[plan.point]?.leaves));
            await news.publish(event({ id: ++published, data: 'news' }));
            await Promise.all(visits);
            const expected = linesOfAll(group);
            await until(() => connections.count() === 1, 'no stream but the bystander');
            await until(() => held.size === 0 && ownRuns(runs).length === 0, 'nothing held');
            await until(() => logger.errors.length >= expected, `${expected} lines`);
            await turns(3);
            if (group.some(({ point }) => POINTS[point]?.moment === 'nest')) return;
            expect(logger.errors.map((text) => text.split('\n')[0])).toHaveLength(expected);
          })
          .beforeEach(() => {
            logger.errors.length = 0;
            forgetPlans();
          }),
        { numRuns: 500 },
      );
      connections.closeWhere(() => true);
      const ids = [...(await bystander).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
      expect(ids).toEqual(Array.from({ length: published }, (_, i) => i + 1));
    }, 300_000);

    it('whatever application code does during the shutdown, the application closes and nothing remains', async () => {
      await fc.assert(
        fc
          .asyncProperty(fc.array(failureAtShutdown, { minLength: 1, maxLength: 8 }), async (group) => {
            const [app, port] = await make();
            const connections = app.get(SseConnections);
            const visits = ['bystander', ...group.map(begin)].map((path) => visit(port, path));
            await until(() => connections.list().every(({ bytes }) => bytes > 0), 'a head for each');
            await until(() => connections.count() === visits.length, 'all streams');
            const expected = linesOfAll(group);
            await closeApps();
            const [others] = await Promise.all(visits);
            expect(others).toMatch(/\nretry: \d+\n\n\r\n0\r\n\r\n$/);
            await until(() => logger.errors.length >= expected, `${expected} lines`);
            await turns(3);
            expect(held.size).toBe(0);
            expect(logger.errors.map((text) => text.split('\n')[0])).toHaveLength(expected);
          })
          .beforeEach(() => {
            logger.errors.length = 0;
            forgetPlans();
          }),
        { numRuns: 25 },
      );
    }, 300_000);
  }),
);
