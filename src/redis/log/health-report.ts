import type { LineLogger } from '../../log/event-log.js';
import { reasonOf } from '../link/redis-errors.js';

/** Minimum time between two warnings about commands that Redis refuses. */
const REPEAT_MS = 60_000;

/** Logs one line when the event log goes down, and one when it is up again. */
export class HealthReport {
  logger: LineLogger | undefined;
  private isDown = false;
  private warnedAt = -Infinity;

  constructor(
    /** The address of Redis, without credentials. */
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

  /** Redis has added events, but refused a command that follows them. */
  followUpFailed(channel: string, problem: string): void {
    const now = this.now();
    if (now - this.warnedAt < REPEAT_MS) return;
    this.warnedAt = now;
    this.logger?.warn(
      `${this.address()} has stored an event of the channel "${channel}", but refused to announce, trim or expire it: ` +
        `${problem}. Subscribers on other nodes receive such events late. ` +
        'Give the Redis user the rights that docs/redis.md lists.',
    );
  }
}
