import type { Lab } from './lab.js';

/**
 * The short form, for every change: fewer of everything, and what a machine that is busy with other things decides
 * (times, rates, when garbage is collected) is shown, but fails nothing.
 */
export const SHORT = process.env['CI'] === 'true' || process.argv.includes('--short');

/** One way to treat a server badly, and what has to come of it. */
export interface Fault {
  readonly name: string;
  /** What the server's module is told, over the suite's own. */
  readonly options?: object;
  /** Without running anything beforehand: the growth of a process's memory shows only in a fresh one. */
  readonly cold?: true;
  /** Over HTTP/2, which only Fastify speaks. */
  readonly http2?: true;
  /** The server is to be in a network of its own, which takes Linux and root; left out elsewhere. */
  readonly alone?: true;
  /** The fault ends the server, so that there is nothing left to look at. */
  readonly ends?: true;
  /** Does it, and says what was seen; throws if something did not hold. */
  run(lab: Lab): Promise<string>;
}

/** @throws {Error} with `what`, if `holds` is not true. */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** `check`, for what depends on how busy the machine is: the short form only says so. Gives what is to be added to the outcome. */
export function timely(holds: boolean, what: string): string {
  if (!SHORT) check(holds, what);
  return holds ? '' : ` (not in time: ${what})`;
}

/** Waits until `holds`, for `withinMs` at most: long enough that only what never comes fails. */
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

/** Bytes as people read them. */
export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

/** The value below which `share` of all values are. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
