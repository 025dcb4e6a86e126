import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { delayMs, flag, func, kind } from '../checking/option-kinds.js';
import type { SseConnection } from '../connection/sse-connection.js';
import { SseError } from '../errors/sse.errors.js';

/** Options of {@link SseInspectorModule.forRoot}. */
export interface SseInspectorOptions {
  /** The path of the page, behind the global prefix of the application. @default 'streams' */
  path?: string;
  /** The guards of the page, its stream and its buttons. They run in this order, after the global guards. */
  guards?: readonly (Type<CanActivate> | CanActivate)[];
  /** Modules that export the dependencies of the guards. */
  imports?: ModuleMetadata['imports'];
  /**
   * Serves the page without `guards`. Everybody who can reach the application then sees its streams and can end them, unless a
   * global guard or a proxy protects the path. @default false
   */
  withoutGuard?: boolean;
  /** Names the user of a connection, such as by what a guard has set on the request. It must be synchronous. @default no user is shown */
  user?(request: object): string | undefined;
  /** The key of a connection within its route. @default the parameters of the path, such as `id=7` */
  key?(connection: SseConnection): string | undefined;
  /** The name of this node. @default the host name and the process ID */
  node?: string;
  /** Milliseconds between two reports of a node, while somebody looks. @default 1000 */
  intervalMs?: number;
}

const TABLE: OptionTable<SseInspectorOptions> = {
  path: kind((value) => typeof value === 'string', "a path, such as 'streams'"),
  guards: kind(
    (value) => Array.isArray(value) && value.every(isGuard),
    'a list of guards, as in @UseGuards()',
  ),
  imports: kind(Array.isArray, 'a list of modules'),
  withoutGuard: flag,
  user: func('of the request'),
  key: func('of the connection'),
  node: kind((value) => typeof value === 'string' && value !== '', 'a name'),
  intervalMs: delayMs(100),
};

/**
 * Checks the options of the inspector.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`, also without a guard.
 */
export function checkInspectorOptions(options: SseInspectorOptions): void {
  checkOptions('SseInspectorModule.forRoot()', options, TABLE);
  const { guards = [], withoutGuard = false } = options;
  if (guards.length > 0 && withoutGuard) {
    throw invalid('has guards and "withoutGuard".', 'Remove one of the two.', withoutGuard);
  }
  if (guards.length === 0 && !withoutGuard) {
    throw invalid(
      'has no guard: everybody could see the streams of the application, and end them.',
      'Pass "guards". If a global guard or a proxy protects the path, pass { withoutGuard: true }.',
      guards,
    );
  }
}

function isGuard(value: unknown): boolean {
  return typeof value === 'function' || typeof (value as CanActivate | null)?.canActivate === 'function';
}

function invalid(what: string, remedy: string, value: unknown): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `SseInspectorModule.forRoot(): The inspector ${what}`, {
    remedy,
    context: { option: 'guards', value },
  });
}
