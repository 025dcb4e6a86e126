import {
  ConflictException,
  Controller,
  Get,
  Inject,
  Injectable,
  Param,
  Scope,
  SetMetadata,
  UseInterceptors,
} from '@nestjs/common';
import type { CallHandler, ExecutionContext, INestApplication, NestInterceptor, Type } from '@nestjs/common';
import { APP_INTERCEPTOR, REQUEST, Reflector } from '@nestjs/core';
import {
  catchError,
  concatMap,
  delay,
  endWith,
  filter,
  finalize,
  map,
  Observable,
  of,
  startWith,
  take,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { comment, event, isSseRoute, raw, Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until, type TestAppOptions } from './adapters.js';

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
let seen: unknown[] = [];
let released = 0;

function mark(name: string): NestInterceptor {
  return {
    intercept: (_context, next) =>
      next.handle().pipe(map((value: unknown) => (typeof value === 'string' ? `${value}<${name}` : value))),
  };
}
@Injectable()
class AppInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    return mark('app').intercept(context, next);
  }
}
@Injectable({ scope: Scope.REQUEST })
class RequestInterceptor implements NestInterceptor {
  constructor(@Inject(REQUEST) private readonly request: { headers: Record<string, string> }) {}
  intercept(context: ExecutionContext, next: CallHandler) {
    return mark(`request ${this.request.headers['x-name']}`).intercept(context, next);
  }
}
/** An interceptor that wraps each response, but not streams. */
@Injectable()
class EnvelopeInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    if (isSseRoute(context)) return next.handle();
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}
/** Reads metadata that a decorator left on the handler. */
@Injectable()
class LabelInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}
  intercept(context: ExecutionContext, next: CallHandler) {
    const label = this.reflector.get<string>('label', context.getHandler());
    return mark(`${label} of ${context.getClass().name}.${context.getHandler().name}`).intercept(
      context,
      next,
    );
  }
}

const OPERATORS: Record<string, (source: Observable<unknown>) => Observable<unknown>> = {
  tap: tap((value) => seen.push(value)),
  map: map((value) => ({ wrapped: value })),
  filter: filter((value) => value !== 'b'),
  take: take(1),
  startWith: startWith('first'),
  endWith: endWith('last'),
  concatMap: concatMap((value) => of(value, event({ type: 'echo', data: value ?? null }))),
  delay: delay(1),
  toArray: toArray(),
  catchError: catchError((error: Error) => of(`caught ${error.message}`)),
  rethrow: catchError(() => throwError(() => new ConflictException('told otherwise'))),
  finalize: finalize(() => seen.push('finalized')),
};
@Injectable()
class OperatorInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { params } = context.switchToHttp().getRequest<{ params: { operator: string } }>();
    return OPERATORS[params.operator]?.(next.handle()) ?? next.handle();
  }
}
@Injectable()
class ReplacingInterceptor implements NestInterceptor {
  intercept(): Observable<unknown> {
    return of('from', 'elsewhere').pipe(concatMap((value) => of(value).pipe(delay(5))));
  }
}

@Controller('marked')
@UseInterceptors(mark('controller 1'), mark('controller 2'))
class MarkedController {
  @Sse('generator')
  @UseInterceptors(mark('method 1'), mark('method 2'))
  async *generator() {
    yield 'a';
    await later();
    yield 'b';
  }
  @UseInterceptors(mark('above'))
  @Sse('observable')
  observable() {
    return of('a', 'b').pipe(concatMap((value) => of(value).pipe(delay(5))));
  }
}

@Controller()
class BareController {
  @Sse('bare')
  async *bare() {
    yield 'a';
    await later();
    yield { pct: 1 };
  }
  @Sse('labelled')
  @SetMetadata('label', 'progress')
  *labelled() {
    yield 'a';
  }
  @Get('json')
  json() {
    return { ok: true };
  }
}

@Controller('operators/:operator')
@UseInterceptors(OperatorInterceptor)
class OperatorsController {
  @Sse('generator')
  async *generator(@Param('operator') _operator: string) {
    try {
      yield 'a';
      await later();
      yield undefined;
      await later();
      yield 'b';
    } finally {
      released++;
    }
  }
  @Sse('failing')
  async *failing() {
    try {
      yield 'a';
      await later();
      throw new Error('broken');
    } finally {
      released++;
    }
  }
  @Sse('failing-first')
  async *failingFirst() {
    throw new Error('broken');
    yield 'never';
  }
  @Sse('made')
  *made() {
    yield comment('c');
    yield raw('data: r\n\n');
    yield event({ type: 't', data: { a: 1 } });
  }
  @Sse('plain')
  plain() {
    return { plain: true };
  }
}

@Controller('replaced')
class ReplacedController {
  @Sse()
  @UseInterceptors(ReplacingInterceptor)
  async *replaced() {
    seen.push('started');
    yield 'never';
  }
}

const controllers: Type[] = [MarkedController, BareController, OperatorsController, ReplacedController];

eachAdapter((adapter) => {
  let app: INestApplication;
  beforeEach(() => {
    seen = [];
    released = 0;
  });
  afterEach(closeApps);

  const make = async (options: TestAppOptions = {}): Promise<void> => {
    app = await makeApp(adapter, { controllers, ...options });
  };
  const body = async (path: string): Promise<string> => {
    const stream = await openStream(app, path, { headers: { 'x-name': 'Ada' } });
    expect(stream.status).toBe(200);
    expect(await stream.end()).toBe('ended');
    return stream.raw();
  };
  const texts = async (path: string): Promise<string[]> =>
    [...(await body(path)).matchAll(/^data: (.*)$/gm)].map(([, data]) => data as string);

  it('of a method and a controller see each value, the innermost first', async () => {
    await make();
    const marks = '<method 2<method 1<controller 2<controller 1';
    expect(await texts('/marked/generator')).toEqual([`a${marks}`, `b${marks}`]);
    expect(await texts('/marked/observable')).toEqual(
      ['a', 'b'].map((v) => `${v}<above<controller 2<controller 1`),
    );
  });

  it('of the whole application see each value, however they are registered', async () => {
    await make({
      providers: [{ provide: APP_INTERCEPTOR, useClass: AppInterceptor }],
      setUp: (made) => void made.useGlobalInterceptors(mark('global')),
    });
    const [first, second] = await texts('/bare');
    expect(first).toMatch(/^a(<app<global|<global<app)$/);
    expect(second).toBe('{"pct":1}');
    expect((await texts('/marked/observable'))[0]).toMatch(/^a<above<controller 2<controller 1<(app|global)/);
  });

  it('of request scope see each value', async () => {
    await make({ providers: [{ provide: APP_INTERCEPTOR, useClass: RequestInterceptor }] });
    expect(await texts('/bare')).toEqual(['a<request Ada', '{"pct":1}']);
  });

  it('see the handler, its class and its metadata', async () => {
    await make({ providers: [{ provide: APP_INTERCEPTOR, useClass: LabelInterceptor }] });
    expect(await texts('/labelled')).toEqual(['a<progress of BareController.labelled']);
  });

  it('are not added to an application without interceptors: Nest answers ordinary routes without them', async () => {
    await make();
    const { config } = app as unknown as { config: { getGlobalInterceptors(): object[] } };
    expect(config.getGlobalInterceptors()).toEqual([]);
    expect(await texts('/bare')).toEqual(['a', '{"pct":1}']);
  });

  it('that wrap responses can skip streams', async () => {
    await make({ providers: [{ provide: APP_INTERCEPTOR, useClass: EnvelopeInterceptor }] });
    expect(await texts('/bare')).toEqual(['a', '{"pct":1}']);
    expect(await (await openStream(app, '/json')).json()).toEqual({ data: { ok: true } });
  });

  describe('can use any operator', () => {
    beforeEach(() => make());
    it.each<[string, string[], unknown[]]>([
      ['none', ['a', 'b'], []],
      ['tap', ['a', 'b'], ['a', undefined, 'b']],
      ['map', ['{"wrapped":"a"}', '{}', '{"wrapped":"b"}'], []],
      ['filter', ['a'], []],
      ['take', ['a'], []],
      ['startWith', ['first', 'a', 'b'], []],
      ['endWith', ['a', 'b', 'last'], []],
      ['concatMap', ['a', 'a', 'null', 'b', 'b'], []],
      ['delay', ['a', 'b'], []],
      ['toArray', ['["a",null,"b"]'], []],
      ['catchError', ['a', 'b'], []],
      ['finalize', ['a', 'b'], ['finalized']],
    ])('%s', async (operator, expected, expectedSeen) => {
      expect(await texts(`/operators/${operator}/generator`)).toEqual(expected);
      expect(seen).toEqual(expectedSeen);
      await until(() => released === 1, 'the release');
    });

    it('catchError, for an error in mid-stream and for one before it', async () => {
      expect(await texts('/operators/catchError/failing')).toEqual(['a', 'caught broken']);
      expect(await texts('/operators/catchError/failing-first')).toEqual(['caught broken']);
    });

    it('catchError, for another error', async () => {
      expect((await texts('/operators/rethrow/failing'))[1]).toBe(
        '{"statusCode":409,"error":"Conflict","message":"told otherwise"}',
      );
      const answer = await openStream(app, '/operators/rethrow/failing-first');
      expect(answer.status).toBe(409);
      await answer.end();
    });

    it('see events unchanged', async () => {
      expect(await body('/operators/tap/made')).toBe(':\n: c\ndata: r\n\nevent: t\ndata: {"a":1}\n\n');
      expect(seen).toEqual([comment('c'), raw('data: r\n\n'), event({ type: 't', data: { a: 1 } })]);
    });

    it('see an ordinary answer', async () => {
      const answer = await openStream(app, '/operators/map/plain');
      expect(await answer.json()).toEqual({ wrapped: { plain: true } });
    });
  });

  it('can answer in place of the handler, which then does not run', async () => {
    await make();
    expect(await texts('/replaced')).toEqual(['from', 'elsewhere']);
    expect(seen).toEqual([]);
  });

  it('that stop early release the source and the connection', async () => {
    await make();
    expect(await texts('/operators/take/generator')).toEqual(['a']);
    await until(() => released === 1 && app.get(SseConnections).count() === 0);
  });
});
