import {
  Inject,
  Logger,
  Module,
  type DynamicModule,
  type NestModule,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { Channels } from './channels/channels.js';
import { memoryLog } from './log/memory-log.js';
import { Runs } from './runs/runs.js';
import { SSE_CLOCK, systemClock, type Clock } from './time/clock.js';
import { ServerClosing, type ServerLike } from './connection/server-closing.js';
import { SseGuard } from './handler/sse.guard.js';
import { SseConnections } from './connection/sse-connections.js';
import { closeFirst } from './nest/first-to-close.js';
import { checkImportedOnce } from './nest/module-imports.js';
import { RouteGuards } from './nest/route-guards.js';
import { SseRoutes } from './nest/sse-routes.js';
import { asyncOptionsProviders, type SseModuleAsyncOptions } from './options/async.options.js';
import { resolveModuleOptions, type ModuleSettings } from './options/resolve-options.js';
import type { SseModuleOptions } from './options/sse.options.js';
import { SSE_CHANNELS, SSE_CONNECTIONS, SSE_MODULE_OPTIONS, SSE_RUNS } from './options/sse.tokens.js';
import { SseError } from './errors/sse.errors.js';

/** Nest destroys this module before all others, so that streams and runs end while their dependencies still exist. */
@Module({})
class StreamsModule implements OnModuleDestroy {
  /** Ends the streams and runs of the application. */
  end: () => Promise<void> = () => Promise.resolve();

  onModuleDestroy(): Promise<void> {
    return this.end();
  }
}

/**
 * Makes `@Sse()` routes work, in the whole application. Import it once, in the root module.
 *
 * @example
 * @Module({ imports: [SseModule.forRoot({ heartbeat: 10_000 })] })
 */
@Module({})
export class SseModule implements NestModule, OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private closing: ServerClosing | undefined;

  /** @throws {SseError} `SSE_MODULE_MISSING` if it was imported without `forRoot()` */
  constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {
    // Looked up here and not injected: otherwise Nest's error would only name the first missing provider.
    if (!this.has(SSE_MODULE_OPTIONS)) throw bare();
  }

  /**
   * Imports the module with options for all routes. Controllers (`@SseDefaults()`) and routes (`@Sse()`) can override them.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` at start-up, for options that are unknown, out of range or contradict each other.
   */
  static forRoot(options: SseModuleOptions = {}): DynamicModule {
    return dynamicModule([{ provide: SSE_MODULE_OPTIONS, useFactory: () => resolveModuleOptions(options) }]);
  }

  /**
   * Imports the module with options that are made at start-up from injected providers.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS`
   * @example
   * SseModule.forRootAsync({ inject: [Settings], useFactory: (settings: Settings) => ({ heartbeat: settings.heartbeatMs }) })
   */
  static forRootAsync(options: SseModuleAsyncOptions): DynamicModule {
    return dynamicModule(asyncOptionsProviders(options), options.imports);
  }

  /** @internal The last moment before Nest reads the metadata of guards and interceptors. */
  configure(): void {
    const modules = this.moduleRef.get(ModulesContainer, { strict: false });
    checkImportedOnce(modules, this.moduleRef, SSE_MODULE_OPTIONS);
    closeFirst(modules, StreamsModule);
    this.moduleRef.get(SseRoutes).install(this.moduleRef.get(SseGuard));
  }

  /** @internal */
  onModuleInit(): void {
    this.moduleRef.get(StreamsModule, { strict: false }).end = () => this.endStreams();
    this.moduleRef.get(SseRoutes).resolveAll();
    // An application without a server has no adapter, or one without a server.
    const { httpAdapter } = this.moduleRef.get(HttpAdapterHost, { strict: false });
    const server = httpAdapter?.getHttpServer() as ServerLike | undefined;
    if (typeof server?.on === 'function') this.closing = new ServerClosing(server, systemClock);
  }

  /** @internal Called before Nest closes the server, which would wait for the streams. */
  onModuleDestroy(): void {
    this.moduleRef.get(SseGuard).cutOffs.due();
    this.closing?.start();
  }

  /** @internal Called after the server was closed. */
  async onApplicationShutdown(): Promise<void> {
    this.closing?.stop();
    this.moduleRef.get(SseRoutes).uninstall();
    await this.moduleRef.get(SseConnections).slots.close?.();
  }

  private async endStreams(): Promise<void> {
    const { moduleRef } = this;
    const { shutdownMs, shutdownRetryMs } = moduleRef.get<ModuleSettings>(SSE_MODULE_OPTIONS);
    moduleRef.get<Clock>(SSE_CLOCK).follow?.();
    // Streams go first. Otherwise the viewers of a run of this process would receive its failure instead of a delay to reconnect.
    await Promise.all([
      moduleRef.get(SseConnections).shutdown(shutdownMs, shutdownRetryMs),
      moduleRef.get(Runs).close(shutdownMs),
    ]);
  }

  private has(token: symbol): boolean {
    try {
      this.moduleRef.get(token);
      return true;
    } catch {
      return false;
    }
  }
}

function bare(): SseError {
  return new SseError('SSE_MODULE_MISSING', 'SseModule was imported without its options.', {
    remedy:
      'Write SseModule.forRoot() in the imports of the root module; no other module has to import SseModule.',
  });
}

function dynamicModule(options: Provider[], imports: DynamicModule['imports'] = []): DynamicModule {
  return {
    module: SseModule,
    global: true,
    imports: [StreamsModule, ...imports],
    providers: [
      ...options,
      { provide: SSE_CLOCK, useValue: systemClock },
      RouteGuards,
      SseRoutes,
      { provide: SseConnections, useFactory: makeConnections, inject: [SSE_MODULE_OPTIONS, SSE_CLOCK] },
      { provide: SSE_CONNECTIONS, useExisting: SseConnections },
      { provide: Channels, useFactory: makeChannels, inject: [SSE_MODULE_OPTIONS, SSE_CLOCK] },
      { provide: SSE_CHANNELS, useExisting: Channels },
      { provide: Runs, useFactory: makeRuns, inject: [Channels, SSE_MODULE_OPTIONS, SSE_CLOCK] },
      { provide: SSE_RUNS, useExisting: Runs },
      SseGuard,
    ],
    exports: [SseConnections, SSE_CONNECTIONS, Channels, SSE_CHANNELS, Runs, SSE_RUNS],
  };
}

function makeConnections({ slots, maxQueuedBytes }: ModuleSettings, clock: Clock): SseConnections {
  slots?.useLogger?.(new Logger('SseConnections'));
  return new SseConnections(clock, slots, maxQueuedBytes);
}

function makeChannels({ log, streams }: ModuleSettings, clock: Clock): Channels {
  const { serialize, validate } = streams;
  const logger = new Logger('Channels');
  return new Channels({ log: log ?? memoryLog({ clock }), serialize, validate, clock, logger });
}

function makeRuns(channels: Channels, { runs, streams, onError }: ModuleSettings, clock: Clock): Runs {
  const { serialize, validate } = streams;
  return new Runs(channels, { serialize, validate, onError, clock, ...runs });
}
