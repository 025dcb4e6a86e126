import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';

// Keys under which `@UseGuards()` and `@UseInterceptors()` keep theirs; they have not changed since Nest's first release.
const GUARDS = '__guards__';
const INTERCEPTORS = '__interceptors__';
/** Under this key the framework's application carries what its module has at the gate. */
const KEEPER = Symbol.for('nestjs-event-stream:gatekeeper');
const BRAND = Symbol.for('nestjs-event-stream:gate');

/** What a module has at the gate, of whichever package format. */
export interface Gatekeeper extends CanActivate, NestInterceptor<unknown, unknown> {
  canActivate(context: ExecutionContext): boolean | Promise<boolean>;
}

type Carrier = { [KEEPER]?: Gatekeeper };
type Carried = { app?: Carrier; server?: Carrier };

/**
 * What stands in metadata for the gatekeeper, which each application has its own of: the last guard of each `@Sse()`
 * route, and, only where there are interceptors, the first of these. Where there is any, Nest sends each value through
 * rxjs, and if it is global, every request of the application, those of ordinary routes, too: a third of what a small
 * answer costs.
 */
const gate = {
  [BRAND]: true,
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return keeperOf(context)?.canActivate(context) ?? true;
  },
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> | Promise<unknown> {
    return keeperOf(context)?.intercept(context, next) ?? next.handle();
  },
};

function keeperOf(context: ExecutionContext): Gatekeeper | undefined {
  const [request, response] = context.getArgs<[Carried?, Carried?]>();
  // Applications put things of their own in the `app` of a request.
  return carriedBy(request) ?? carriedBy(response);
}

/** Express keeps its application in `app`, Fastify in `server`, of a request and of its response. */
function carriedBy(by: Carried | undefined): Gatekeeper | undefined {
  return by?.app?.[KEEPER] ?? by?.server?.[KEEPER];
}

/** Puts the gate behind the guards of a handler, once. */
export function addGuardGate(handler: object): void {
  const guards = listOf(GUARDS, handler);
  if (!guards.some(isGate)) Reflect.defineMetadata(GUARDS, [...guards, gate], handler);
}

/** Puts the gate before the interceptors of a handler or a controller, once and if there are any. */
export function addInterceptorGate(target: object): void {
  const interceptors = listOf(INTERCEPTORS, target);
  if (interceptors.length === 0 || interceptors.some(isGate)) return;
  Reflect.defineMetadata(INTERCEPTORS, [gate, ...interceptors], target);
}

/**
 * Makes the gate lead to a gatekeeper, in an application of Express or Fastify; `false` in any other. The first one
 * stays until it is closed again.
 */
export function openGate(application: object, type: string, keeper: Gatekeeper): boolean {
  if (type !== 'express' && type !== 'fastify') return false;
  if (!Object.hasOwn(application, KEEPER)) {
    Object.defineProperty(application, KEEPER, { value: keeper, configurable: true });
  }
  return true;
}

/** Makes the gate lead nowhere, if it led to this gatekeeper. */
export function closeGate(application: object, keeper: object): void {
  const carrier = application as Carrier;
  if (carrier[KEEPER] === keeper) delete carrier[KEEPER];
}

/** Whether a guard or an interceptor is the gate, of this or another copy of the package. */
export function isGate(enhancer: unknown): boolean {
  const { [BRAND]: brand } = Object(enhancer) as { [BRAND]?: unknown };
  return brand === true;
}

/** The interceptors of a handler or a controller, as `@UseInterceptors()` was given them. */
export function interceptorsOf(target: object): object[] {
  return listOf(INTERCEPTORS, target) as object[];
}

function listOf(key: string, target: object): unknown[] {
  return (Reflect.getMetadata(key, target) ?? []) as unknown[];
}
