import { reasonOf } from '../../errors/outage.js';
import type { LineLogger } from '../event-log.js';

/** Minimum time between two warnings of `warn()`. */
const REPEAT_MS = 60_000;

/** Logs one line when the event log goes down, and one when it is up again. */
export class HealthReport {
  logger: LineLogger | undefined;
  private isDown = false;
  private warnedAt = -Infinity;

  constructor(
    /** The address of the server, without credentials. */
    private readonly address: () => string,
    private readonly now: () => number,
  ) {}

  down(error: unknown): void {
    if (this.isDown) return;
    this.isDown = true;
    this.logger?.warn(
      `The event log is down: ${this.address()} is not available (${reasonOf(error) ?? 'unknown reason'}). ` +
        'Open streams wait, new ones get a 503, and publish() fails after "waitMs". ' +
        'The library keeps trying to reconnect.',
    );
  }

  up(): void {
    if (!this.isDown) return;
    this.isDown = false;
    this.logger?.log(`The event log is up again: ${this.address()} is available.`);
  }

  /** Logs a warning, at most one a minute. */
  warn(line: string): void {
    const now = this.now();
    if (now - this.warnedAt < REPEAT_MS) return;
    this.warnedAt = now;
    this.logger?.warn(line);
  }
}
