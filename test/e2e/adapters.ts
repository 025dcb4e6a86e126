import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { SseConnections, SseModule, type SseModuleOptions } from 'nestjs-event-stream';

export type AdapterName = 'express' | 'fastify';
export const ADAPTERS: readonly AdapterName[] = ['express', 'fastify'];

/** Runs a suite once for each adapter. */
export function eachAdapter(suite: (adapter: AdapterName) => void): void {
  describe.each(ADAPTERS)('on %s', (adapter) => suite(adapter));
}

/**
 * Runs a suite once for each of the two ways of a value: straight to the connection, and through rxjs where an
 * interceptor of the application looks on.
 */
export function eachWay(suite: (setUp: (app: INestApplication) => void) => void): void {
  describe('straight', () => suite(() => undefined));
  describe('past an interceptor', () =>
    suite((app) => app.useGlobalInterceptors({ intercept: (_context, next) => next.handle() })));
}

export interface TestAppOptions extends ModuleMetadata {
  sse?: SseModuleOptions;
  /** Called before the application is initialized: middleware, global interceptors. */
  setUp?: (app: INestApplication) => void | Promise<void>;
  logger?: false | object;
  /** The clock that the library uses. */
  clock?: ConstructorParameters<typeof SseConnections>[0];
  /** Replaces the adapter, for example by one that speaks HTTP/2. */
  platform?: object;
  /** For clients whose pool connects ahead of time: Node does not count such a connection as idle. */
  forceCloseConnections?: boolean;
}

const open = new Set<INestApplication>();
/** Clients that write raw bytes and would stay connected forever. They are closed at the end of the test at the latest. */
export const clients = new Set<{ leave(): void }>();

/** An application that listens on a free port, closed after the test by {@link closeApps}. */
export async function makeApp(adapter: AdapterName, options: TestAppOptions): Promise<INestApplication> {
  const {
    sse,
    setUp,
    logger = false,
    clock,
    forceCloseConnections = false,
    platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter({ forceCloseConnections }),
    imports = [],
    ...metadata
  } = options;
  const builder = Test.createTestingModule({
    ...metadata,
    imports: [SseModule.forRoot(sse), ...imports],
  });
  if (clock) builder.overrideProvider(SseConnections).useValue(new SseConnections(clock));
  const module = await builder.compile();
  const app = module.createNestApplication(platform as never, {
    logger: logger as false,
    forceCloseConnections,
  });
  await setUp?.(app);
  await app.listen(0, '127.0.0.1');
  open.add(app);
  return app;
}

/** Closes the applications of a test; fails if a connection is still open in one. */
export async function closeApps(): Promise<void> {
  try {
    await closeAll();
  } finally {
    for (const client of clients) client.leave();
    clients.clear();
  }
}

async function closeAll(): Promise<void> {
  for (const app of open) {
    open.delete(app);
    await app.close();
    expect(app.get(SseConnections).count()).toBe(0);
  }
}

/** Waits, turn by turn, until `holds`. */
export async function until(holds: () => boolean, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come to hold within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
