import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';

// Metadata keys of `@UseGuards()` and `@UseInterceptors()`. They have not changed since Nest's first release.
const GUARDS = '__guards__';
const INTERCEPTORS = '__interceptors__';
/** The property of the framework's application that holds the guard of the module. */
const GUARD = Symbol.for('nestjs-event-stream:guard');
const BRAND = Symbol.for('nestjs-event-stream:stand-in');

/** The guard and interceptor of one application. It can be that of the ESM or of the CJS build. */
export interface StreamGuard extends CanActivate, NestInterceptor<unknown, unknown> {
  canActivate(context: ExecutionContext): boolean | Promise<boolean>;
}

type Carrier = { [GUARD]?: StreamGuard };
type Carried = { app?: Carrier; server?: Carrier };

/**
 * Represents the guard in metadata. Metadata belongs to a class, but each application has its own guard, so the stand-in forwards
 * to the guard of the request's application. It is the last guard of each `@Sse()` route.
 *
 * It is also the first interceptor, but only if there are others. An interceptor makes Nest send each value through rxjs, and a
 * global one affects every request of the application. That was measured as a third of the cost of a small answer.
 */
const standIn = {
  [BRAND]: true,
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return guardOf(context)?.canActivate(context) ?? true;
  },
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> | Promise<unknown> {
    return guardOf(context)?.intercept(context, next) ?? next.handle();
  },
};

function guardOf(context: ExecutionContext): StreamGuard | undefined {
  const [request, response] = context.getArgs<[Carried?, Carried?]>();
  // The application may have replaced `app` of the request.
  return carriedBy(request) ?? carriedBy(response);
}

/** The application is in `app` of Express's requests and responses, and in `server` of Fastify's. */
function carriedBy(by: Carried | undefined): StreamGuard | undefined {
  return by?.app?.[GUARD] ?? by?.server?.[GUARD];
}

/** Adds the guard after the guards of a handler, once. */
export function addGuard(handler: object): void {
  const guards = listOf(GUARDS, handler);
  if (!guards.some(isStandIn)) Reflect.defineMetadata(GUARDS, [...guards, standIn], handler);
}

/** Adds the guard before the interceptors of a handler or a controller, once. Does nothing without interceptors. */
export function addInterceptor(target: object): void {
  const interceptors = listOf(INTERCEPTORS, target);
  if (interceptors.length === 0 || interceptors.some(isStandIn)) return;
  Reflect.defineMetadata(INTERCEPTORS, [standIn, ...interceptors], target);
}

/**
 * Stores a guard in an application of Express or Fastify. Returns `false` for any other. The first guard stays until it is
 * removed.
 */
export function installGuard(application: object, type: string, guard: StreamGuard): boolean {
  if (type !== 'express' && type !== 'fastify') return false;
  if (!Object.hasOwn(application, GUARD)) {
    Object.defineProperty(application, GUARD, { value: guard, configurable: true });
  }
  return true;
}

/** Removes a guard from an application, if it has this one. */
export function removeGuard(application: object, guard: object): void {
  const carrier = application as Carrier;
  if (carrier[GUARD] === guard) delete carrier[GUARD];
}

/** True for the stand-in of this or another copy of the package. */
export function isStandIn(enhancer: unknown): boolean {
  const { [BRAND]: brand } = Object(enhancer) as { [BRAND]?: unknown };
  return brand === true;
}

/** The interceptors of a handler or a controller that were passed to `@UseInterceptors()`. */
export function interceptorsOf(target: object): object[] {
  return listOf(INTERCEPTORS, target) as object[];
}

/** The guards of a handler or a controller, without the stand-in. */
export function guardsOf(target: object): unknown[] {
  return listOf(GUARDS, target).filter((guard) => !isStandIn(guard));
}

function listOf(key: string, target: object): unknown[] {
  return (Reflect.getMetadata(key, target) ?? []) as unknown[];
}
