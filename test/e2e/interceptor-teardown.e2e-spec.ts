import {
  Controller,
  UseInterceptors,
  type CallHandler,
  type INestApplication,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { Observable, concatMap, delay, finalize, from, map, of, share } from 'rxjs';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

const thrown = (): never => {
  throw new Error('teardown broke');
};

// `finalize()` ignores the promise of an async function, also to TypeScript.
const rejected = (): Promise<void> => Promise.reject(new Error('teardown broke'));

/** An interceptor that pipes the values of the handler. */
const piping = (pipe: (values: Observable<unknown>) => Observable<unknown>): Type<NestInterceptor> =>
  class implements NestInterceptor {
    intercept(_context: unknown, next: CallHandler<unknown>): Observable<unknown> {
      return pipe(next.handle());
    }
  };

const Finalize = piping((values) => values.pipe(finalize(thrown)));
const Shout = piping((values) => values.pipe(map((value) => `${String(value)}!`)));
const Teardown = piping(
  (values) =>
    new Observable((subscriber) => {
      subscriber.add(thrown);
      return values.subscribe(subscriber);
    }),
);

class Late implements NestInterceptor {
  async intercept(_context: unknown, next: CallHandler<unknown>): Promise<Observable<unknown>> {
    await Promise.resolve();
    return next.handle().pipe(finalize(thrown));
  }
}

/** Interceptors of a route, the outermost first, and the number of their teardown functions that throw. */
const INTERCEPTORS: Record<string, [classes: Type<NestInterceptor>[], errors: number]> = {
  finalize: [[Finalize], 1],
  'a teardown function': [[Teardown], 1],
  'finalize outside of another': [[Finalize, Shout], 1],
  'finalize inside of another': [[Shout, Finalize], 1],
  'finalize, twice': [[Finalize, Finalize], 2],
  'finalize behind a promise': [[Late], 1],
  'finalize, then a delay': [[piping((values) => values.pipe(finalize(thrown), delay(1)))], 1],
  'a delay, then finalize': [[piping((values) => values.pipe(delay(1), finalize(thrown)))], 1],
  'finalize with a rejection': [
    [piping((values) => values.pipe(concatMap((value) => of(value).pipe(finalize(rejected)))))],
    2,
  ],
  'finalize of each inner stream': [
    [piping((values) => values.pipe(concatMap((value) => of(value).pipe(finalize(thrown)))))],
    2,
  ],
  // share() subscribes itself, so rxjs drops the error before the library can see it. The stream ends nevertheless.
  'finalize of shared values': [[piping((values) => values.pipe(finalize(thrown), share()))], 0],
  none: [[], 0],
};

const RESULTS: Record<string, [make: () => unknown, errors: number]> = {
  generator: [
    async function* () {
      yield 'a';
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield 'b';
    },
    0,
  ],
  'Observable, later': [() => from(['a', 'b']).pipe(concatMap((value) => of(value).pipe(delay(1)))), 0],
  'Observable, at once': [() => of('a', 'b'), 0],
  'promise of an Observable': [() => Promise.resolve(of('a', 'b')), 0],
  'Observable with finalize': [() => of('a', 'b').pipe(finalize(thrown)), 1],
  'Observable with finalize in a concatMap': [
    () => from(['a', 'b']).pipe(concatMap((value) => of(value).pipe(delay(1), finalize(thrown)))),
    2,
  ],
};

@Controller()
class Streams {}

const CASES: { path: string; name: string; errors: number }[] = [];
for (const [around, [classes, outside]] of Object.entries(INTERCEPTORS)) {
  for (const [result, [make, inside]] of Object.entries(RESULTS)) {
    const path = `case-${String(CASES.length)}`;
    const descriptor = { value: () => make(), writable: true, configurable: true };
    Object.defineProperty(Streams.prototype, path, descriptor);
    UseInterceptors(...classes)(Streams.prototype, path, descriptor);
    Sse(path)(Streams.prototype, path, descriptor);
    Object.defineProperty(Streams.prototype, path, descriptor);
    CASES.push({ path, name: `${around}: ${result}`, errors: outside + inside });
  }
}

// rxjs drops an error that a teardown function throws inside an operator that merges, and the completion with it.
eachAdapter((adapter) => {
  let app: INestApplication;
  const log = new RecordingLogger();
  beforeAll(async () => {
    app = await makeApp(adapter, { controllers: [Streams], logger: log });
  });
  afterAll(closeApps);

  it.each(CASES)('$name: all events, the end, and each error once in the log', async ({ path, errors }) => {
    log.errors.length = 0;
    const stream = await openStream(app, `/${path}`);
    const events = await stream.rest();
    expect(events.map(({ data }) => data[0])).toEqual(['a', 'b']);
    expect(await stream.end()).toBe('ended');
    await until(() => app.get(SseConnections).count() === 0);
    expect(log.errors).toHaveLength(errors);
    for (const line of log.errors) {
      expect(line).toMatch(`(GET /${path}): Error: teardown broke`);
    }
  });
});
