import type { LoggerService } from '@nestjs/common';
import { errorText } from './error-text.js';
import { guard } from './guard.js';

/**
 * When an error happened.
 *
 * - `'request'`: before the head. The client gets an HTTP error.
 * - `'stream'`: after the head. The client gets an error event.
 * - `'run'`: in a run, until it has ended. Its viewers get an error event.
 * - `'teardown'`: after the end of the stream or run, or while its source was released. No client notices.
 */
export type SseErrorPhase = 'request' | 'stream' | 'run' | 'teardown';

/** The part of the context of an error that is known for streams and for runs. */
export interface ErrorContext {
  readonly phase: SseErrorPhase;
  /** The id of the run. Missing for streams. */
  readonly runId?: string;
}

/** The methods of a logger that are used. */
export type ReportLogger = Pick<LoggerService, 'error' | 'warn'> & Partial<Pick<LoggerService, 'debug'>>;

/** The log, and the hook of the application for an error tracker. Never throws, whatever these two do. */
export class ErrorReports<Context extends ErrorContext = ErrorContext> {
  constructor(
    private readonly logger: ReportLogger,
    private readonly onError?: (error: unknown, context: Context) => unknown,
  ) {}

  /** Logs an error in one line of its own, `place` first, and calls the hook. */
  error(place: string, error: unknown, context: Context): void {
    this.log('error', `${place}: ${errorText(error)}`);
    const { onError } = this;
    if (!onError) return;
    guard(
      () => onError(error, context),
      (failure) => this.log('error', `${place}: "onError" failed: ${errorText(failure)}`),
    );
  }

  /** Logs what is not an error as far as the library can tell, for those who look for it. */
  debug(place: string, what: string, error: unknown): void {
    this.log('debug', `${place}: ${what}: ${errorText(error)}`);
  }

  warn(message: string): void {
    this.log('warn', message);
  }

  private log(level: 'error' | 'warn' | 'debug', message: string): void {
    const { logger } = this;
    guard(
      () => logger[level]?.(message),
      () => undefined,
    );
  }
}
