import { Controller, Module, RequestMethod, UseInterceptors } from '@nestjs/common';
import type { DynamicModule, ExecutionContext, INestApplication, NestInterceptor } from '@nestjs/common';
import {
  comment,
  ErrorEventInterceptor,
  event,
  FormatInterceptor,
  HeartbeatInterceptor,
  isSseError,
  isSseEvent,
  isSseRoute,
  LastEventId,
  raw,
  retryAfter,
  Sse,
  SSE_DEFAULTS,
  SseConnection,
  SseConnections,
  SseDefaults,
  SseError,
  SseEvent,
  SseModule,
  SseSignal,
  type EventInit,
  type HeartbeatOptions,
  type SseErrorCode,
  type SseModuleOptions,
  type SseOptionsFactory,
  type SseOptions,
  type SseRouteOptions,
  type TimeoutOptions,
} from 'nestjs-event-stream';
import type { Equal, Expect } from './assertions.js';

declare const context: ExecutionContext;
declare const connections: SseConnections;
declare const unknown: unknown;

// Functions that make events return events, which cannot be changed.
export type Makers = [
  Expect<Equal<ReturnType<typeof event>, SseEvent>>,
  Expect<Equal<ReturnType<typeof comment>, SseEvent<undefined, undefined>>>,
  Expect<Equal<ReturnType<typeof retryAfter>, SseEvent<undefined, undefined>>>,
  Expect<Equal<ReturnType<typeof raw>, SseEvent>>,
  Expect<Equal<SseEvent['type'], string | undefined>>,
  Expect<Equal<SseEvent['id'], string | undefined>>,
  Expect<Equal<SseEvent['data'], unknown>>,
];
export function fields(made: SseEvent, init: EventInit): void {
  event({});
  event({ type: 'a', id: 7, retry: 5, comment: 'c', data: 1n });
  event({ event: 'a', id: 'x', data: null });
  event(init);
  // @ts-expect-error an event has no such field
  event({ name: 'a' });
  // @ts-expect-error a retry is a number
  event({ retry: '5' });
  // @ts-expect-error an id is text or a number
  event({ id: true });
  // @ts-expect-error a time is needed
  retryAfter();
  // @ts-expect-error raw() takes text
  raw(Buffer.from(''));
  // @ts-expect-error events are immutable
  made.type = 'b';
  if (isSseEvent(unknown)) unknown.comment?.trim();
}

// The decorator takes a path, options, both or neither, on methods of any kind.
@SseDefaults({ heartbeat: 5000, ids: 'sequence' })
@Controller()
export class Routes {
  @Sse()
  nothing() {
    return [];
  }
  @Sse('path/:id')
  async *generator(@SseSignal() signal: AbortSignal, @LastEventId() after?: string) {
    yield { aborted: signal.aborted, after };
  }
  @Sse(['a', 'b'], { heartbeat: false })
  *paths(@SseConnection() connection: SseConnection<AuthenticatedRequest>) {
    yield connection.queuedBytes + connection.request.user.id;
  }
  @Sse({ method: RequestMethod.POST, complete: 'reconnect' })
  async promised() {
    return { plain: true };
  }
  @UseInterceptors(FormatInterceptor, new ErrorEventInterceptor({ event: 'e' }), new HeartbeatInterceptor())
  @Sse('options', {
    emits: 'data',
    serialize: (value) => String(value),
    ids: (value, request) => `${String(value)} ${request.getType()}`,
    openAfterMs: 0,
    heartbeat: {
      intervalMs: 1,
      event: 'ping',
      data: (request) => request.getClass().name,
      id: () => 'x',
      always: true,
    },
    errors: { event: 'failure', map: (error, request) => [error, request.getClass().name] },
    complete: { event: 'end', data: { any: 1 }, id: 'last' },
    timeout: {
      afterMs: (request) => request.getArgs().length,
      event: 't',
      data: (request) => request.getType(),
    },
    maxDurationMs: false,
    overflow: { maxBytes: 1, policy: { coalesce: (made) => made.type } },
    stallMs: false,
    teardownWarnMs: false,
    limit: [
      { key: 'ip', max: 1, status: 'retry' },
      { key: (request) => request.getType(), max: 2, status: 429 },
    ],
    exclusive: (request) => request.getType(),
    lastEventIdQuery: true,
    maxPendingDataLength: 0,
  })
  options() {
    return [];
  }
}
export class Wrong {
  // @ts-expect-error no such option
  @Sse('a', { hartbeat: 5 })
  typo() {
    return [];
  }
  // @ts-expect-error `true` is no interval
  @Sse('b', { heartbeat: true })
  heartbeat() {
    return [];
  }
  // @ts-expect-error a path is text
  @Sse(7)
  path() {
    return [];
  }
}

// The options of a level are only those of that level.
export type Levels = [
  Expect<Equal<'method' extends keyof SseOptions ? true : false, false>>,
  Expect<Equal<'method' extends keyof SseRouteOptions ? true : false, true>>,
  Expect<Equal<'shutdownMs' extends keyof SseModuleOptions ? true : false, true>>,
  Expect<Equal<SseOptions['heartbeat'], SseRouteOptions['heartbeat']>>,
  Expect<Equal<(typeof SSE_DEFAULTS)['heartbeat'], 15_000>>,
];
// @ts-expect-error a controller has no method
SseDefaults({ method: RequestMethod.POST });

// The module takes options, or a factory of any arguments.
@Module({
  imports: [
    SseModule.forRoot(),
    SseModule.forRoot({ heartbeat: 1, shutdownMs: 5, shutdownRetryMs: false }),
    SseModule.forRootAsync({ useFactory: () => ({}) }),
    SseModule.forRootAsync({
      inject: [Routes],
      useFactory: async (routes: Routes) => ({ ids: routes ? 'sequence' : false }),
    }),
  ],
})
export class AppModule {}
export type Modules = Expect<Equal<ReturnType<typeof SseModule.forRoot>, DynamicModule>>;
class OptionsFactory implements SseOptionsFactory {
  async createSseOptions() {
    return { heartbeat: 5 };
  }
}
SseModule.forRootAsync({ imports: [AppModule], useClass: OptionsFactory });
SseModule.forRootAsync({ useExisting: OptionsFactory });
SseModule.forRootAsync({ useExisting: Symbol('options') });
// @ts-expect-error this class makes no options
SseModule.forRootAsync({ useClass: AppModule });
// @ts-expect-error a factory gives options
SseModule.forRootAsync({ useFactory: () => ({ heartbeat: 'often' }) });

interface AuthenticatedRequest {
  user: { id: string };
}
// Valid payloads.
export const payloads: HeartbeatOptions['data'][] = [
  1,
  'a',
  null,
  undefined,
  true,
  1n,
  [1],
  { a: 1 },
  new Date(),
  () => 1,
];
export const asked: TimeoutOptions['data'] = (request) => request.getHandler().name;

// Connections can be inspected and closed, and nothing else.
export function administrate(app: INestApplication): void {
  const [first] = connections.list();
  const asked: [string | undefined, Date | undefined, number | undefined] = [
    first?.id,
    first?.openedAt,
    first?.bytes,
  ];
  connections.count(({ ip, lastEventId }) => ip === lastEventId);
  connections.closeWhere(({ request }) => request === asked);
  connections.closeWhere<{ user?: { id: string } }>(({ request }) => request.user?.id === 'me');
  connections.count(({ request }: SseConnection<AuthenticatedRequest>) => request.user.id === 'me');
  connections.countBy<AuthenticatedRequest>(({ request }) => request.user.id);
  connections.list<AuthenticatedRequest>()[0]?.request.user.id.trim();
  // @ts-expect-error nothing is known of a request
  connections.closeWhere(({ request }) => request.user);
  // @ts-expect-error what was sent is not to be set
  if (first) first.bytes = 0;
  const closed: boolean = connections.close('id');
  app.get(SseConnections).close(String(closed));
  isSseRoute(context) satisfies boolean;
}

// Errors are distinguished by their codes.
export function handle(error: unknown): SseErrorCode | undefined {
  // @ts-expect-error no such code
  isSseError(error, 'SSE_OOPS');
  if (isSseError(error, 'SSE_INVALID_FIELD')) return error.code;
  return error instanceof SseError ? error.code : undefined;
}

// The interceptors are Nest's.
export const interceptors: NestInterceptor[] = [
  new FormatInterceptor({ emits: 'data' }),
  new ErrorEventInterceptor({ map: () => undefined }),
  new HeartbeatInterceptor({ intervalMs: 5, data: { any: 1 } }),
];
