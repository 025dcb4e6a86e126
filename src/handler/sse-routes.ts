import { Inject, Injectable, type ExecutionContext, type Type } from '@nestjs/common';
import { MetadataScanner, ModuleRef, ModulesContainer } from '@nestjs/core';
import { resolveOptions } from '../options/resolve-options.js';
import type { ResolvedOptions, SseModuleOptions } from '../options/sse.options.js';
import { SSE_MODULE_OPTIONS } from '../options/sse.tokens.js';
import { RouteGuards } from './route-guards.js';
import { controllerOptionsOf, routeOptionsOf } from './sse.metadata.js';

/** The key under which `@UseInterceptors()` keeps its own. */
const INTERCEPTORS = '__interceptors__';

/** One `@Sse()` route of this application. */
export interface SseRoute {
  /** Class and method, for messages. */
  name: string;
  options: ResolvedOptions;
  /** Whether an interceptor other than the module's sees what the handler emits. */
  watched: boolean;
}

/** What is used of Nest's ApplicationConfig, which it does not offer for injection. */
interface GlobalInterceptors {
  getGlobalInterceptors(): object[];
  getGlobalRequestInterceptors(): unknown[];
}

/** Knows the `@Sse()` routes, with their options resolved. */
@Injectable()
export class SseRoutes {
  /** By handler, then by controller: a handler may be inherited. `null` marks a route that is not ours. */
  private readonly known = new WeakMap<object, Map<object, SseRoute> | null>();
  private readonly scanner = new MetadataScanner();

  constructor(
    @Inject(SSE_MODULE_OPTIONS) private readonly moduleOptions: SseModuleOptions,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(RouteGuards) private readonly guards: RouteGuards,
  ) {}

  /** The route that a request goes to, if it is one of ours. */
  of(context: ExecutionContext): SseRoute | undefined {
    const handler = context.getHandler();
    const known = this.known.get(handler);
    if (known === null) return undefined;
    return known?.get(context.getClass()) ?? this.resolve(context.getClass(), handler);
  }

  /**
   * Resolves the options of all routes, so that a contradiction ends the start-up and not a request.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS`
   */
  resolveAll(): void {
    for (const module of this.modules.values()) {
      for (const { metatype } of module.controllers.values()) {
        if (typeof metatype !== 'function') continue;
        const prototype = metatype.prototype as Record<string, object>;
        for (const name of this.scanner.getAllMethodNames(prototype)) {
          const handler = prototype[name];
          if (handler) this.resolve(metatype as Type, handler);
        }
      }
    }
  }

  /**
   * Puts `interceptor` before all other global ones, whatever module registered those: it has to see what they make
   * of a stream, and they each value, as with Nest's own `@Sse()`.
   */
  putFirst(isOurs: (interceptor: object) => boolean): void {
    const interceptors = this.globals?.getGlobalInterceptors();
    const index = interceptors?.findIndex(isOurs) ?? -1;
    if (index > 0) interceptors?.unshift(...interceptors.splice(index, 1));
  }

  private get globals(): GlobalInterceptors | undefined {
    const { container } = this.moduleRef as unknown as {
      container?: { applicationConfig?: GlobalInterceptors };
    };
    return container?.applicationConfig;
  }

  private resolve(controller: Type, handler: object): SseRoute | undefined {
    const own = routeOptionsOf(handler);
    if (!own) {
      this.known.set(handler, null);
      return undefined;
    }
    const name = `${controller.name}.${(handler as { name?: string }).name ?? 'handler'}`;
    const options = resolveOptions(name, this.moduleOptions, controllerOptionsOf(controller), own);
    if (options.revalidateMs !== false) this.guards.check(name);
    const route = { name, options, watched: this.isWatched(controller, handler) };
    const ofHandler = this.known.get(handler) ?? new Map<object, SseRoute>();
    ofHandler.set(controller, route);
    this.known.set(handler, ofHandler);
    return route;
  }

  private isWatched(controller: Type, handler: object): boolean {
    if (Reflect.hasMetadata(INTERCEPTORS, handler) || Reflect.hasMetadata(INTERCEPTORS, controller))
      return true;
    const { globals } = this;
    if (!globals) return true;
    return globals.getGlobalInterceptors().length > 1 || globals.getGlobalRequestInterceptors().length > 0;
  }
}
