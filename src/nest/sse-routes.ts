import { Inject, Injectable, Logger } from '@nestjs/common';
import type { ExecutionContext, Type } from '@nestjs/common';
import { HttpAdapterHost, MetadataScanner, ModuleRef, ModulesContainer } from '@nestjs/core';
import { resolveOptions } from '../options/resolve-options.js';
import type { ResolvedOptions, SseModuleOptions } from '../options/sse.options.js';
import { SSE_MODULE_OPTIONS } from '../options/sse.tokens.js';
import { skipCaching } from './caching-interceptors.js';
import {
  addGuardGate,
  addInterceptorGate,
  closeGate,
  interceptorsOf,
  openGate,
  type Gatekeeper,
} from './gate.js';
import { warnOfReplacedHeaders } from './header-decorators.js';
import { dropInheritedResponse } from './hidden-response.js';
import { checkNothingElseAnswers } from './other-answers.js';
import { RouteGuards } from './route-guards.js';
import { controllerOptionsOf, routeOptionsOf } from './sse.metadata.js';

/** One `@Sse()` route of this application. */
export interface SseRoute {
  /** Class and method, for messages. */
  name: string;
  /** The name, made unique: two classes may have the same name. Equal in all processes that run the same application. */
  id: string;
  options: ResolvedOptions;
}

type Module = ReturnType<ModulesContainer['get']> & object;

/** What is used of Nest's ApplicationConfig, which it does not offer for injection. */
interface GlobalInterceptors {
  getGlobalInterceptors(): object[];
  getGlobalRequestInterceptors(): object[];
}

/** Knows the `@Sse()` routes, with their options resolved. */
@Injectable()
export class SseRoutes {
  /** By handler, then by controller: a handler may be inherited. `null` marks a route that is not ours. */
  private readonly known = new WeakMap<object, Map<object, SseRoute> | null>();
  private readonly scanner = new MetadataScanner();
  private readonly logger = new Logger('SseModule');
  /** How many routes have each name. */
  private readonly names = new Map<string, number>();
  private keeper: Gatekeeper | undefined;

  constructor(
    @Inject(SSE_MODULE_OPTIONS) private readonly moduleOptions: SseModuleOptions,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(RouteGuards) private readonly guards: RouteGuards,
  ) {}

  /** The route that a request goes to, if it is one of ours. */
  of(context: ExecutionContext): SseRoute | undefined {
    const controller = context.getClass();
    const handler = context.getHandler();
    const known = this.known.get(handler);
    if (known === null) return undefined;
    return known?.get(controller) ?? this.resolve(controller, handler);
  }

  /**
   * Resolves the options of all routes, so that a contradiction ends the start-up and not a request.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS`
   */
  resolveAll(): void {
    this.eachHandler((controller, handler) => void this.resolve(controller, handler));
  }

  /**
   * Puts a gatekeeper behind the guards of the `@Sse()` routes, and outside their interceptors where they have any: it has
   * to see what they make of a stream, and they each value, as with Nest's own `@Sse()`. Other routes are left alone,
   * unless they have global interceptors anyway.
   */
  guard(keeper: Gatekeeper): void {
    const { httpAdapter } = this.moduleRef.get(HttpAdapterHost, { strict: false });
    if (!httpAdapter) return;
    const open = openGate(httpAdapter.getInstance<object>(), httpAdapter.getType(), keeper);
    if (!open || this.hasGlobals()) this.globals?.getGlobalInterceptors().unshift(keeper);
    this.keeper = keeper;
    this.eachHandler((controller, handler, name) => {
      if (!routeOptionsOf(handler)) {
        dropInheritedResponse(controller.prototype as object, name);
        return;
      }
      addGuardGate(handler);
      addInterceptorGate(controller);
      addInterceptorGate(handler);
    });
    this.skipCaching();
  }

  /** Says once which streams are not stored by which caching interceptor. */
  private skipCaching(): void {
    const skipped = new Map<string, string[]>();
    const { globals } = this;
    const everywhere = globals
      ? [...globals.getGlobalInterceptors(), ...globals.getGlobalRequestInterceptors()]
      : [];
    this.eachHandler((controller, handler, method, { injectables }) => {
      if (!routeOptionsOf(handler)) return;
      const route = `${controller.name}.${method}`;
      const enhancers = [...everywhere, ...interceptorsOf(controller), ...interceptorsOf(handler)];
      const name = skipCaching(route, enhancers, injectables);
      if (name !== undefined) skipped.set(name, [...(skipped.get(name) ?? []), route]);
    });
    for (const [name, routes] of skipped) {
      this.logger.warn(
        `${name} is not used for event streams, which cannot be stored: ${routes.join(', ')}.`,
      );
    }
  }

  /** The application is closed; its framework's may be used by another. */
  letGo(): void {
    const { httpAdapter } = this.moduleRef.get(HttpAdapterHost, { strict: false });
    if (httpAdapter && this.keeper) closeGate(httpAdapter.getInstance<object>(), this.keeper);
  }

  private get globals(): GlobalInterceptors | undefined {
    const { container } = this.moduleRef as unknown as {
      container?: { applicationConfig?: GlobalInterceptors };
    };
    return container?.applicationConfig;
  }

  private eachHandler(
    see: (controller: Type, handler: object, name: string, module: Pick<Module, 'injectables'>) => void,
  ): void {
    for (const module of this.modules.values()) {
      for (const { metatype } of module.controllers.values()) {
        if (typeof metatype !== 'function') continue;
        const prototype = metatype.prototype as Record<string, object>;
        for (const name of this.scanner.getAllMethodNames(prototype)) {
          const handler = prototype[name];
          if (handler) see(metatype as Type, handler, name, module);
        }
      }
    }
  }

  private resolve(controller: Type, handler: object): SseRoute | undefined {
    const own = routeOptionsOf(handler);
    if (!own) {
      this.known.set(handler, null);
      return undefined;
    }
    const name = `${controller.name}.${(handler as { name?: string }).name ?? 'handler'}`;
    const options = resolveOptions(name, this.moduleOptions, controllerOptionsOf(controller), own);
    checkNothingElseAnswers(name, handler);
    warnOfReplacedHeaders(name, handler, this.logger);
    if (options.revalidateMs !== false) this.guards.check(name);
    const route = { name, id: this.uniqueId(name), options };
    const ofHandler = this.known.get(handler) ?? new Map<object, SseRoute>();
    ofHandler.set(controller, route);
    this.known.set(handler, ofHandler);
    return route;
  }

  private uniqueId(name: string): string {
    const count = (this.names.get(name) ?? 0) + 1;
    this.names.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  }

  private hasGlobals(): boolean {
    const { globals } = this;
    if (!globals) return true;
    return globals.getGlobalInterceptors().length > 0 || globals.getGlobalRequestInterceptors().length > 0;
  }
}
