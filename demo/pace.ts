import { Inject, Injectable, Optional } from '@nestjs/common';

/** The factor by which the demo runs faster than real time, where something else than `DEMO_SPEED` is to set it. */
export const SPEED = Symbol('demo:speed');

/** setTimeout takes a longer delay for none at all. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** How fast time passes in the demo: every delay is divided by the speed, so that a test need not wait. */
@Injectable()
export class Pace {
  /** @throws {Error} for a `DEMO_SPEED` that is not a positive number, while the application starts. */
  constructor(@Optional() @Inject(SPEED) private readonly speed: number = readSpeed(process.env)) {}

  /** A duration of real time as the demo spends it, in whole milliseconds, at least one. */
  ms(realMs: number): number {
    return Math.min(MAX_DELAY_MS, Math.max(1, Math.round(realMs / this.speed)));
  }

  /** Resolves after that long, or as soon as `signal` aborts: then there is nothing left to wait for. */
  sleep(realMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, this.ms(realMs));
      signal?.addEventListener('abort', wake);
    });
  }
}

/**
 * The speed in `DEMO_SPEED`.
 *
 * @default 1
 * @throws {Error} unless it is a positive number.
 */
export function readSpeed(env: NodeJS.ProcessEnv): number {
  const value = env['DEMO_SPEED'];
  if (value === undefined || value === '') return 1;
  const speed = Number(value);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new Error(
    `DEMO_SPEED is "${value}": it must be a positive number, 1 for real time or 50 for a test.`,
  );
}

/**
 * A duration for the options of a route, which are read with the class and cannot wait for a {@link Pace}. A bad
 * `DEMO_SPEED` counts as 1 here: it is the application's own start that refuses it, where somebody reads the reason.
 */
export function paced(realMs: number): number {
  return new Pace(speedOr(1)).ms(realMs);
}

function speedOr(fallback: number): number {
  try {
    return readSpeed(process.env);
  } catch {
    return fallback;
  }
}
