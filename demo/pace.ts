import { Inject, Injectable, Optional } from '@nestjs/common';

/** Injection token of the factor by which the demo runs faster than real time. It overrides `DEMO_SPEED`. */
export const SPEED = Symbol('demo:speed');

/** The longest delay that `setTimeout` supports. It treats a longer one as 1 ms. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Scales time in the demo: every delay is divided by the speed, so that tests run fast. */
@Injectable()
export class Pace {
  /** @throws {Error} when the application starts, if `DEMO_SPEED` is not a positive number. */
  constructor(@Optional() @Inject(SPEED) private readonly speed: number = readSpeed(process.env)) {}

  /** Converts a duration in real time to the delay in the demo, in whole milliseconds, at least 1. */
  ms(realMs: number): number {
    return Math.min(MAX_DELAY_MS, Math.max(1, Math.round(realMs / this.speed)));
  }

  /** Resolves after this duration, or as soon as `signal` aborts. */
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
 * Reads the speed from `DEMO_SPEED`.
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
 * Scales a duration for the options of a route. They are read when the class is defined, before a {@link Pace}
 * exists. A `DEMO_SPEED` that is not valid counts as 1 here, because the start of the application reports it.
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
