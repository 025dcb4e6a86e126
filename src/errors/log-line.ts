import { guard } from './guard.js';

/**
 * Writes a line to a logger of the application. Never throws: an error of the logger must not keep the library from its work, and
 * there is nowhere else to report it.
 */
export function logLine<Level extends string>(
  logger: { readonly [level in Level]?: ((line: string) => unknown) | undefined } | undefined,
  level: Level,
  line: string,
): void {
  guard(
    () => logger?.[level]?.(line),
    () => undefined,
  );
}
