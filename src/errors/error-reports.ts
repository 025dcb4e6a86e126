import type { LoggerService } from '@nestjs/common';
import { errorText } from './error-text.js';
import { guard } from './guard.js';
import { logLine } from './log-line.js';

/**
 * The time at which an error happened.
 *
 * - `'request'`: before the head. The client gets an HTTP error.
 * - `'stream'`: after the head. The client gets an error event.
 * - `'run'`: in a run, until it has ended. Its viewers get an error event.
 * - `'teardown'`: after the end of the stream or run, or while its source was released. Clients receive nothing.
 */
export type SseErrorPhase = 'request' | 'stream' | 'run' | 'teardown';

/** The part of an error's context that streams and runs have in common. */
export interface ErrorContext {
  readonly phase: SseErrorPhase;
  /** The id of the run. Missing for streams. */
  readonly runId?: string;
}

/** The part of a logger that we use. */
export type ReportLogger = Pick<LoggerService, 'error' | 'warn'> & Partial<Pick<LoggerService, 'debug'>>;

/** Passes errors to the logger and to the `onError` hook of the application. Never throws, even if these two do. */
export class ErrorReports<Context extends ErrorContext = ErrorContext> {
  constructor(
    private readonly logger: ReportLogger,
    private readonly onError?: (error: unknown, context: Context) => unknown,
  ) {}

  /** Logs an error as one entry that starts with `place`, and calls the hook. */
  error(place: string, error: unknown, context: Context): void {
    this.log('error', `${place}: ${errorText(error)}`);
    const { onError } = this;
    if (!onError) return;
    guard(
      () => onError(error, context),
      (failure) => this.log('error', `${place}: "onError" failed: ${errorText(failure)}`),
    );
  }

  /** Logs, at level `debug`, something that may be intended and so is not reported as an error. */
  debug(place: string, what: string, error: unknown): void {
    this.log('debug', `${place}: ${what}: ${errorText(error)}`);
  }

  warn(message: string): void {
    this.log('warn', message);
  }

  private log(level: 'error' | 'warn' | 'debug', message: string): void {
    logLine(this.logger, level, message);
  }
}
