import {
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { APP_INTERCEPTOR, HttpAdapterHost } from '@nestjs/core';
import { Channels } from './channels/channels.js';
import { Runs } from './channels/runs.js';
import { systemClock } from './connection/clock.js';
import { ServerClosing, type ServerLike } from './connection/server-closing.js';
import { SseConnections } from './connection/sse-connections.js';
import { RouteGuards } from './handler/route-guards.js';
import { SseRoutes } from './handler/sse-routes.js';
import { resolveModuleOptions, resolveOptions } from './options/resolve-options.js';
import type { SseModuleOptions } from './options/sse.options.js';
import { SSE_CHANNELS, SSE_CONNECTIONS, SSE_MODULE_OPTIONS, SSE_RUNS } from './options/sse.tokens.js';
import { SseInterceptor } from './sse.interceptor.js';

/** Options of the module that are made by a factory. */
export interface SseModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** What the factory gets. */
  inject?: FactoryProvider['inject'];
  /** Makes the options of the module. */
  useFactory: (...args: never[]) => SseModuleOptions | Promise<SseModuleOptions>;
}

/**
 * Makes `@Sse()` routes work, in the whole application. Import it once, in the root module.
 *
 * @example
 * @Module({ imports: [SseModule.forRoot({ heartbeat: 10_000 })] })
 */
@Module({})
export class SseModule implements NestModule, OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly shutdown: ReturnType<typeof resolveModuleOptions>;
  private closing: ServerClosing | undefined;

  constructor(
    @Inject(SSE_MODULE_OPTIONS) options: SseModuleOptions,
    @Inject(SseRoutes) private readonly routes: SseRoutes,
    @Inject(SseConnections) private readonly connections: SseConnections,
    @Inject(Runs) private readonly runs: Runs,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {
    this.shutdown = resolveModuleOptions(options);
  }

  /**
   * With options for all routes; controllers (`@SseDefaults()`) and routes (`@Sse()`) may differ.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` at start-up, for options that are unknown, out of range or contradict each other.
   */
  static forRoot(options: SseModuleOptions = {}): DynamicModule {
    return dynamicModule([{ provide: SSE_MODULE_OPTIONS, useFactory: () => checked(options) }]);
  }

  /** With options that a factory makes, from what it injects. */
  static forRootAsync({ imports, inject, useFactory }: SseModuleAsyncOptions): DynamicModule {
    const provider: Provider = {
      provide: SSE_MODULE_OPTIONS,
      useFactory: async (...args: never[]) => checked(await useFactory(...args)),
      ...(inject && { inject }),
    };
    return { ...dynamicModule([provider]), ...(imports && { imports }) };
  }

  /** @internal The last moment before Nest looks at the global interceptors. */
  configure(): void {
    this.routes.putFirst((interceptor) => interceptor instanceof SseInterceptor);
  }

  /** @internal */
  onModuleInit(): void {
    this.routes.resolveAll();
    // An application without a server has no adapter, or one that stands for none.
    const server = this.host.httpAdapter?.getHttpServer() as ServerLike | undefined;
    if (typeof server?.on === 'function') this.closing = new ServerClosing(server, systemClock);
  }

  /** @internal Before the server is closed, which would wait for the streams. */
  async onModuleDestroy(): Promise<void> {
    const { shutdownMs, shutdownRetryMs } = this.shutdown;
    // Streams go first, so that those who view a run of this process are asked to come back, not told that it failed.
    await Promise.all([this.connections.shutdown(shutdownMs, shutdownRetryMs), this.runs.close(shutdownMs)]);
    this.closing?.start();
  }

  /** @internal After the server was closed. */
  async onApplicationShutdown(): Promise<void> {
    this.closing?.stop();
    await this.connections.slots.close?.();
  }
}

function dynamicModule(options: Provider[]): DynamicModule {
  return {
    module: SseModule,
    global: true,
    providers: [
      ...options,
      RouteGuards,
      SseRoutes,
      { provide: SseConnections, useFactory: makeConnections, inject: [SSE_MODULE_OPTIONS] },
      { provide: SSE_CONNECTIONS, useExisting: SseConnections },
      { provide: Channels, useFactory: makeChannels, inject: [SSE_MODULE_OPTIONS] },
      { provide: SSE_CHANNELS, useExisting: Channels },
      { provide: Runs, useFactory: makeRuns, inject: [Channels, SSE_MODULE_OPTIONS] },
      { provide: SSE_RUNS, useExisting: Runs },
      { provide: APP_INTERCEPTOR, useClass: SseInterceptor },
    ],
    exports: [SseConnections, SSE_CONNECTIONS, Channels, SSE_CHANNELS, Runs, SSE_RUNS],
  };
}

/** Before anything is made of them. */
function checked(options: SseModuleOptions): SseModuleOptions {
  resolveModuleOptions(options);
  resolveOptions('SseModule', options);
  return options;
}

function makeConnections({ slots }: SseModuleOptions): SseConnections {
  return new SseConnections(systemClock, slots);
}

function makeChannels({ log, serialize }: SseModuleOptions): Channels {
  return new Channels({ log, serialize });
}

function makeRuns(channels: Channels, { runs, serialize }: SseModuleOptions): Runs {
  return new Runs(channels, { serialize, ...runs });
}
