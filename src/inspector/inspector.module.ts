import { Inject, Module, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import type { Channels } from '../channels/channels.js';
import type { SseConnections } from '../connection/sse-connections.js';
import { nodeName } from '../node-name.js';
import { SSE_CHANNELS, SSE_CONNECTIONS, SSE_RUNS } from '../options/sse.tokens.js';
import type { Runs } from '../runs/runs.js';
import { Inspection } from './inspection.js';
import { inspectorController } from './inspector.controller.js';
import { checkInspectorOptions, type SseInspectorOptions } from './inspector.options.js';
import { NodeReports } from './node-reports.js';

const INTERVAL_MS = 1000;

/**
 * Serves a page that shows the open streams of the application, its channels, runs and limits, on all nodes that share its log. The
 * page can end connections and stop runs.
 *
 * @example
 * @Module({ imports: [SseModule.forRoot(), SseInspectorModule.forRoot({ path: 'streams', guards: [AdminGuard] })] })
 */
@Module({})
export class SseInspectorModule implements OnModuleDestroy {
  constructor(@Inject(Inspection) private readonly inspection: Inspection) {}

  /**
   * Imports the page, with its path and its guards. Import it in the root module, beside `SseModule.forRoot()`.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` for options that are unknown or invalid, and if there is no guard.
   */
  static forRoot(options: SseInspectorOptions): DynamicModule {
    checkInspectorOptions(options);
    const { node = nodeName(), intervalMs = INTERVAL_MS } = options;
    return {
      module: SseInspectorModule,
      imports: [...(options.imports ?? [])],
      controllers: [inspectorController(options)],
      providers: [
        {
          provide: NodeReports,
          inject: [SSE_CONNECTIONS, SSE_CHANNELS, SSE_RUNS],
          useFactory: (connections: SseConnections, channels: Channels, runs: Runs) =>
            new NodeReports(node, intervalMs, connections, channels, runs, options),
        },
        {
          provide: Inspection,
          inject: [NodeReports, SSE_CONNECTIONS, SSE_CHANNELS, SSE_RUNS],
          useFactory: (reports: NodeReports, connections: SseConnections, channels: Channels, runs: Runs) =>
            new Inspection(reports, intervalMs, connections, runs, channels),
        },
      ],
    };
  }

  /** @internal */
  onModuleDestroy(): void {
    this.inspection.stop();
  }
}
