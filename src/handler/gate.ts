import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';

/** The key under which `@UseInterceptors()` keeps its own; it has not changed since Nest's first release. */
const INTERCEPTORS = '__interceptors__';
/** Under this key the framework's application carries the interceptor of its module. */
const INTERCEPTOR = Symbol.for('nestjs-event-stream:interceptor');
const BRAND = Symbol.for('nestjs-event-stream:gate');

type Carrier = { [INTERCEPTOR]?: NestInterceptor<unknown, unknown> };

/**
 * What stands in metadata for the interceptor of the module, which each application has its own of. A global one would
 * be simpler, but where there is any, Nest sends every request of the application through rxjs, those of ordinary
 * routes, too: a third of what a small answer costs.
 */
const gate = {
  [BRAND]: true,
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> | Promise<unknown> {
    const request = context.getArgByIndex<{ app?: Carrier; server?: Carrier } | undefined>(0);
    // Express keeps its application in `app`, Fastify in `server`.
    const interceptor = request?.app?.[INTERCEPTOR] ?? request?.server?.[INTERCEPTOR];
    return interceptor ? interceptor.intercept(context, next) : next.handle();
  },
};

/** Puts the gate before the interceptors of a handler or a controller, once. */
export function addGate(target: object): void {
  const interceptors = (Reflect.getMetadata(INTERCEPTORS, target) ?? []) as unknown[];
  if (interceptors.some(isGate)) return;
  Reflect.defineMetadata(INTERCEPTORS, [gate, ...interceptors], target);
}

/** Whether a handler or a controller has interceptors, the gate apart. */
export function hasInterceptors(target: object): boolean {
  const interceptors = (Reflect.getMetadata(INTERCEPTORS, target) ?? []) as unknown[];
  return interceptors.some((interceptor) => !isGate(interceptor));
}

/**
 * Makes the gate lead to an interceptor, in an application of Express or Fastify; `false` in any other. The first one
 * stays until it is closed again.
 */
export function openGate(
  application: object,
  type: string,
  interceptor: NestInterceptor<unknown, unknown>,
): boolean {
  if (type !== 'express' && type !== 'fastify') return false;
  if (!Object.hasOwn(application, INTERCEPTOR)) {
    Object.defineProperty(application, INTERCEPTOR, { value: interceptor, configurable: true });
  }
  return true;
}

/** Makes the gate lead nowhere, if it led to this interceptor. */
export function closeGate(application: object, interceptor: object): void {
  const carrier = application as Carrier;
  if (carrier[INTERCEPTOR] === interceptor) delete carrier[INTERCEPTOR];
}

function isGate(interceptor: unknown): boolean {
  const { [BRAND]: brand } = Object(interceptor) as { [BRAND]?: unknown };
  return brand === true;
}
