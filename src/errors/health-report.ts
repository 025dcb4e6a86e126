import { logLine } from './log-line.js';
import { reasonOf } from './outage.js';

/** Writes log lines for operators. The `Logger` of Nest is one. */
export interface LineLogger {
  log(line: string): void;
  warn(line: string): void;
}

/** The words of a {@link HealthReport}: what does not work while a server is unavailable, and works again afterwards. */
export interface HealthWords {
  readonly down: string;
  /** The consequences until the server is available. */
  readonly meanwhile: string;
  readonly up: string;
}

/** Minimum time between two warnings of `warn()`. */
const REPEAT_MS = 60_000;

/** Logs one line when a server goes down, and one when it is up again. */
export class HealthReport {
  logger: LineLogger | undefined;
  private isDown = false;
  private warnedAt = -Infinity;

  constructor(
    /** The address of the server, without credentials. */
    private readonly address: () => string,
    private readonly now: () => number,
    private readonly words: HealthWords,
  ) {}

  down(error: unknown): void {
    if (this.isDown) return;
    this.isDown = true;
    logLine(
      this.logger,
      'warn',
      `${this.words.down}: ${this.address()} is not available (${reasonOf(error) ?? 'unknown reason'}). ` +
        `${this.words.meanwhile} The library keeps trying to reconnect.`,
    );
  }

  up(): void {
    if (!this.isDown) return;
    this.isDown = false;
    logLine(this.logger, 'log', `${this.words.up}: ${this.address()} is available.`);
  }

  /** Logs a warning, at most one a minute. */
  warn(line: string): void {
    const now = this.now();
    if (now - this.warnedAt < REPEAT_MS) return;
    this.warnedAt = now;
    logLine(this.logger, 'warn', line);
  }
}
