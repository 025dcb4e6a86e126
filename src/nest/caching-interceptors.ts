import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { SseError } from '../errors/sse.errors.js';
import { routeOptionsOf } from './sse.metadata.js';

/** Marks an `intercept()` that skips streams. */
const SKIPS_STREAMS = Symbol.for('nestjs-event-stream:skips-streams');

type Intercept = ((context: ExecutionContext, next: CallHandler<unknown>) => unknown) & {
  [SKIPS_STREAMS]?: true;
};
interface Interceptor {
  intercept: Intercept;
}

/** The part of Nest's `InstanceWrapper` that we use. */
interface Wrapper {
  readonly metatype: unknown;
  readonly instance: unknown;
  isDependencyTreeStatic(): boolean;
}

/** An interceptor in the metadata of a route, or a global one: a class, an instance, or Nest's wrapper of an instance. */
export type Enhancer = object;

/**
 * Makes Nest's `CacheInterceptor` skip streams, if it is among the interceptors of an `@Sse()` route. It stores each value that a
 * handler emits, so it would answer the next client with the last event of another client's stream. Returns the name of the
 * class if there is one.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` if the interceptor is request-scoped, because it cannot be changed beforehand.
 */
export function skipCaching(
  route: string,
  enhancers: readonly Enhancer[],
  injectables: ReadonlyMap<unknown, Wrapper>,
): string | undefined {
  let name: string | undefined;
  for (const enhancer of enhancers) {
    const wrapper = injectables.get(enhancer) ?? (isWrapper(enhancer) ? enhancer : undefined);
    const interceptor = wrapper?.instance ?? enhancer;
    if (!isCacheInterceptor(interceptor)) continue;
    name = interceptor.constructor.name;
    if (wrapper && !wrapper.isDependencyTreeStatic()) throw madePerRequest(route, name);
    skipStreams(interceptor);
  }
  return name;
}

/** Compared by class name, because the package of the class may be missing or installed twice. */
function isCacheInterceptor(value: unknown): value is Interceptor {
  if (typeof (value as Partial<Interceptor> | null)?.intercept !== 'function') return false;
  for (let proto: unknown = value; proto; proto = Object.getPrototypeOf(proto)) {
    if ((proto as { constructor?: { name?: unknown } }).constructor?.name === 'CacheInterceptor') return true;
  }
  return false;
}

function isWrapper(enhancer: object): enhancer is Wrapper {
  return typeof (enhancer as Partial<Wrapper>).isDependencyTreeStatic === 'function';
}

function skipStreams(interceptor: Interceptor): void {
  const { intercept } = interceptor;
  if (intercept[SKIPS_STREAMS]) return;
  const skipping: Intercept = (context, next) =>
    routeOptionsOf(context.getHandler()) ? next.handle() : intercept.call(interceptor, context, next);
  skipping[SKIPS_STREAMS] = true;
  Object.defineProperty(interceptor, 'intercept', { value: skipping, configurable: true, writable: true });
}

function madePerRequest(route: string, name: string): SseError {
  return new SseError(
    'SSE_INVALID_OPTIONS',
    `${route} has both @Sse() and ${name}, which stores responses.`,
    {
      remedy: `A stream cannot be stored. In ${name}.intercept(), return next.handle() if isSseRoute(context).`,
      context: { handler: route, interceptor: name },
    },
  );
}
