import type { Lab } from './lab.js';

/**
 * The short form, for every change: smaller counts, and figures that depend on the load of the machine (times, rates,
 * garbage collections) are shown, but fail nothing.
 */
export const SHORT = process.env['CI'] === 'true' || process.argv.includes('--short');

/** One kind of bad client, and the expected effect on the server. */
export interface Fault {
  readonly name: string;
  /** Options of the server's module, in addition to those of the suite. */
  readonly options?: object;
  /** Nothing else runs before it: only a fresh process shows the growth of its memory. */
  readonly cold?: true;
  /** Over HTTP/2, which only Fastify speaks. */
  readonly http2?: true;
  /** The server runs in its own network namespace, which needs Linux and root. Skipped elsewhere. */
  readonly alone?: true;
  /** The fault ends the server, so no checks follow. */
  readonly ends?: true;
  /** Runs the fault and returns a description of the result. Throws if a condition does not hold. */
  run(lab: Lab): Promise<string>;
}

/** @throws {Error} with `what`, if `holds` is not true. */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/**
 * Like `check`, for conditions that depend on the load of the machine: the short form only reports them. Returns the
 * text to add to the result.
 */
export function timely(holds: boolean, what: string): string {
  if (!SHORT) check(holds, what);
  return holds ? '' : ` (not in time: ${what})`;
}

/**
 * Waits until `holds` is true, for `withinMs` at most. The time is long enough that only a condition that never holds
 * fails.
 */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(20);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Formats a number of bytes for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

/** The value below which this share of all values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
