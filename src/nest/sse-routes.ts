import { Inject, Injectable, Logger } from '@nestjs/common';
import type { ExecutionContext, Type } from '@nestjs/common';
import { HttpAdapterHost, MetadataScanner, ModuleRef, ModulesContainer } from '@nestjs/core';
import { resolveOptions, type ModuleSettings, type ResolvedOptions } from '../options/resolve-options.js';
import { SSE_MODULE_OPTIONS } from '../options/sse.tokens.js';
import { skipCaching } from './caching-interceptors.js';
import { warnOfReplacedHeaders } from './header-decorators.js';
import { dropInheritedResponse } from './hidden-response.js';
import { checkNoOtherResponse } from './other-answers.js';
import { RouteGuards } from './route-guards.js';
import { controllerOptionsOf, routeOptionsOf } from './sse.metadata.js';
import { logLine } from '../errors/log-line.js';
import {
  addGuard,
  addInterceptor,
  installGuard,
  interceptorsOf,
  removeGuard,
  type StreamGuard,
} from './stand-in.js';

/** One `@Sse()` route of this application. */
export interface SseRoute {
  /** Class and method, for messages. */
  name: string;
  /** The name, made unique, because two classes may have the same name. Equal in all processes of the same application. */
  id: string;
  options: ResolvedOptions;
}

type Module = ReturnType<ModulesContainer['get']> & object;

/** The part of Nest's ApplicationConfig that we use. It cannot be injected. */
interface GlobalInterceptors {
  getGlobalInterceptors(): object[];
  getGlobalRequestInterceptors(): object[];
}

/** The `@Sse()` routes of an application, with their options resolved. */
@Injectable()
export class SseRoutes {
  /** By handler, then by controller, because a handler may be inherited. `null` marks any other route. */
  private readonly known = new WeakMap<object, Map<object, SseRoute> | null>();
  private readonly scanner = new MetadataScanner();
  private readonly logger = new Logger('SseModule');
  /** The number of routes with each name. */
  private readonly names = new Map<string, number>();
  private installed: StreamGuard | undefined;

  constructor(
    @Inject(SSE_MODULE_OPTIONS) private readonly settings: ModuleSettings,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(RouteGuards) private readonly guards: RouteGuards,
  ) {}

  /** The route of a request, if it is an `@Sse()` route. */
  of(context: ExecutionContext): SseRoute | undefined {
    const controller = context.getClass();
    const handler = context.getHandler();
    const known = this.known.get(handler);
    if (known === null) return undefined;
    return known?.get(controller) ?? this.resolve(controller, handler);
  }

  /**
   * Resolves the options of all routes at start-up, so that a contradiction does not wait for the first request.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS`
   */
  resolveAll(): void {
    this.eachHandler((controller, handler) => void this.resolve(controller, handler));
  }

  /**
   * Adds a guard after the guards of the `@Sse()` routes. If a route has interceptors, the guard is also the first of them. So it
   * receives their result, and they see each value, as with Nest's own `@Sse()`. Other routes do not change, unless there are
   * global interceptors.
   */
  install(guard: StreamGuard): void {
    const { httpAdapter } = this.moduleRef.get(HttpAdapterHost, { strict: false });
    if (!httpAdapter) return;
    const found = installGuard(httpAdapter.getInstance<object>(), httpAdapter.getType(), guard);
    if (!found || this.hasGlobals()) this.globals?.getGlobalInterceptors().unshift(guard);
    this.installed = guard;
    this.eachHandler((controller, handler, name) => {
      if (!routeOptionsOf(handler)) {
        dropInheritedResponse(controller.prototype as object, name);
        return;
      }
      addGuard(handler);
      addInterceptor(controller);
      addInterceptor(handler);
    });
    this.skipCaching();
  }

  /** Excludes streams from caching interceptors, and logs their routes once. */
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
      logLine(
        this.logger,
        'warn',
        `${name} is not used for event streams, which cannot be stored: ${routes.join(', ')}.`,
      );
    }
  }

  /** Removes the guard from the framework's application, which another Nest application may use after this one. */
  uninstall(): void {
    const { httpAdapter } = this.moduleRef.get(HttpAdapterHost, { strict: false });
    if (httpAdapter && this.installed) removeGuard(httpAdapter.getInstance<object>(), this.installed);
  }

  private get globals(): GlobalInterceptors | undefined {
    const { container } = this.moduleRef as unknown as {
      container?: { applicationConfig?: GlobalInterceptors };
    };
    return container?.applicationConfig;
  }

  private eachHandler(
    visit: (controller: Type, handler: object, name: string, module: Pick<Module, 'injectables'>) => void,
  ): void {
    for (const module of this.modules.values()) {
      for (const { metatype } of module.controllers.values()) {
        if (typeof metatype !== 'function') continue;
        const prototype = metatype.prototype as Record<string, object>;
        for (const name of this.scanner.getAllMethodNames(prototype)) {
          const handler = prototype[name];
          if (handler) visit(metatype as Type, handler, name, module);
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
    const options = resolveOptions(name, this.settings.streams, controllerOptionsOf(controller), own);
    checkNoOtherResponse(name, handler);
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
