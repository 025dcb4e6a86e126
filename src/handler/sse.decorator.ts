import { HttpCode, RequestMapping, RequestMethod } from '@nestjs/common';
import { checkOptions } from '../checking/option-check.js';
import { SseError, moduleMissing, quoted } from '../errors/sse.errors.js';
import { ROUTE_TABLE, type SseOptions, type SseRouteOptions } from '../options/sse.options.js';
import { replyOf } from '../request/reply.js';
import type { AnyContract } from '../events/event-contract.js';
import { addResponse, type HiddenResponse } from '../nest/hidden-response.js';
import type { SseDecorator } from './checked-method.js';
import { useOwnSignal } from './nest-signal.js';
import { CONTROLLER_OPTIONS, ROUTE_OPTIONS } from '../nest/sse.metadata.js';

// The metadata key of Nest's `@HttpCode()`. It has not changed since Nest's first release.
const HTTP_CODE = '__httpCode__';

const NONE: SseRouteOptions = Object.freeze({});

type Method = (...args: unknown[]) => unknown;

/**
 * Makes a method a route that answers with an event stream. The method returns an async generator, any iterable, a Node or web
 * stream, an Observable, or a promise of one of these. Guards, pipes, interceptors, filters and parameter decorators work as on
 * any route. Any other value is the ordinary answer of the route.
 *
 * @example
 * @Sse('progress/:id')
 * async *progress(@Param('id') id: string, @SseSignal() signal: AbortSignal) {
 *   for await (const pct of this.jobs.progress(id, { signal })) yield event({ type: 'progress', data: { pct } });
 * }
 */
export function Sse<Events extends AnyContract = never>(
  path?: string | string[],
  options?: SseRouteOptions<Events>,
): SseDecorator<Events>;
export function Sse<Events extends AnyContract = never>(
  options: SseRouteOptions<Events>,
): SseDecorator<Events>;
export function Sse(
  pathOrOptions: string | string[] | SseRouteOptions = '/',
  givenOptions: SseRouteOptions = NONE,
): MethodDecorator {
  const withPath = typeof pathOrOptions === 'string' || Array.isArray(pathOrOptions);
  const path = withPath ? pathOrOptions : '/';
  const options = withPath ? givenOptions : pathOrOptions;
  return (target, key, descriptor) => {
    const name = `${target.constructor.name}.${String(key)}`;
    // The options are checked when the application starts, together with those of the module.
    if (options === null) checkOptions(name, options, ROUTE_TABLE);
    if (!withPath && givenOptions !== NONE) throw swapped(name, givenOptions);
    const method = descriptor.value as unknown as Method;
    const wrapped = streaming(method, addResponse(target, key, method), name);
    copyMetadata(method, wrapped);
    Object.defineProperty(wrapped, 'name', { value: method.name, configurable: true });
    (descriptor as PropertyDescriptor).value = wrapped;
    Reflect.defineMetadata(ROUTE_OPTIONS, options, wrapped);
    useOwnSignal(target, key);
    RequestMapping({ path, method: options.method ?? RequestMethod.GET })(target, key, descriptor);
    if (!Reflect.hasMetadata(HTTP_CODE, wrapped)) HttpCode(200)(target, key, descriptor);
  };
}

/**
 * Sets options for all `@Sse()` routes of a controller. They replace those of the module; a route can replace them.
 *
 * @example
 * @SseDefaults({ heartbeat: 5_000 })
 * @Controller('prices')
 */
export function SseDefaults(options: SseOptions): ClassDecorator {
  return (target) => Reflect.defineMetadata(CONTROLLER_OPTIONS, options, target);
}

function streaming(method: Method, { index, takenOver }: HiddenResponse, name: string): Method {
  return function (this: unknown, ...args: unknown[]): unknown {
    const response = args[index];
    // Called by a test or by another handler, and not by Nest: it behaves as the method that was written.
    if (typeof response !== 'object' || response === null) return method.apply(this, args);
    args.length = index;
    const reply = replyOf(response);
    if (!reply) throw moduleMissing(name);
    return reply.handle(() => method.apply(this, args), takenOver);
  };
}

function swapped(name: string, second: unknown): SseError {
  return new SseError(
    'SSE_INVALID_OPTIONS',
    `${name}: @Sse() was given ${quoted(second)} after its options.`,
    {
      remedy: 'The path comes first: @Sse(path, options).',
      context: { value: second },
    },
  );
}

function copyMetadata(from: object, to: object): void {
  for (const key of Reflect.getOwnMetadataKeys(from)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, from), to);
  }
}
