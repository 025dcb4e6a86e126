import type { SseErrorContext } from '../options/error-context.js';
import type { ExecutionContext } from '@nestjs/common';
import type { StreamConnection } from '../connection/connection.js';
import type { Teardown } from '../source/pulled.source.js';
import type { ErrorReports, SseErrorPhase } from '../errors/error-reports.js';
import { markPlace } from '../errors/error-text.js';
import { attempt } from '../errors/legible.js';
import { isReported, isSseError } from '../errors/sse.errors.js';
import { presentable, unloggedCause } from '../errors/http-error.js';
import { errorBody, isException } from '../errors/public-error.js';
import type { Clock } from '../time/clock.js';
import type { RoutedStream, StreamHost } from './stream-host.js';
import type { SseRoute } from '../nest/sse-routes.js';

/** A stream whose source can fail. */
export interface TroubledStream extends RoutedStream {
  readonly host: StreamHost;
  readonly context: ExecutionContext;
}

/** Reports errors of the source of a stream to the log and to the hook of the application. Never throws. */
export class SourceTroubles implements Teardown {
  private readonly route: SseRoute;
  private readonly connection: StreamConnection;
  private readonly reports: ErrorReports<SseErrorContext>;

  constructor(private readonly stream: TroubledStream) {
    this.route = stream.route;
    this.connection = stream.connection;
    this.reports = stream.host.reports;
  }

  get clock(): Clock {
    return this.connection.timers.clock;
  }
  get warnMs(): number | false {
    return this.route.options.teardownWarnMs;
  }

  private get place(): string {
    return `${this.route.name} (${this.connection.route})`;
  }

  onSlow(): void {
    this.reports.warn(
      `The source of ${this.place} still runs ${String(this.warnMs)} ms after its stream has ended. ` +
        'It waits for something that does not settle. Pass it the @SseSignal() of the handler.',
    );
  }

  onLateError(error: unknown): void {
    if (this.tellsOfAbort(error)) {
      this.reports.debug(this.place, 'the source failed after its signal was aborted', error);
    } else this.report(error, 'teardown');
  }

  /**
   * A guard rejected a stream that had ended by then. A stream that was rejected because the guard took too long has a line
   * in the log already. Of the other streams, only a failure of the guard is reported: a 4xx was for the client.
   */
  onLateRejection(error: unknown): void {
    if (this.connection.cause === 'SSE_REVOKED' || errorBody(error).statusCode < 500) {
      this.reports.debug(this.place, 'a guard rejected the stream after it had ended', error);
    } else this.onLateError(error);
  }

  onTeardownError(error: unknown): void {
    this.report(error, 'teardown');
  }

  /** Logs an error whose details the client does not receive. */
  report(error: unknown, phase: SseErrorPhase = 'stream'): void {
    if (isReported(error)) return;
    const { route, connection } = this;
    this.reports.error(this.place, error, {
      phase,
      handler: route.name,
      route: connection.route,
      connection,
      executionContext: this.stream.context,
    });
  }

  /**
   * Adds the route to an error that becomes an HTTP error. Nest logs those without a status. Of the others, the library logs
   * the cause if it is a failure of the server, such as an event log that is unavailable.
   */
  answeredWith(error: unknown): void {
    const trouble = unloggedCause(error);
    if (trouble !== undefined) return this.report(trouble, 'request');
    // An HttpException is an answer, and Nest does not log it.
    if (!isException(error)) markPlace(error, this.place);
  }

  /**
   * Turns a thrown value into an error that can be passed on. After the head any object can: no filter reads it, and
   * `errors.map` gets the object itself.
   */
  toError(thrown: unknown): object {
    if (this.connection.used && typeof thrown === 'object' && thrown !== null) return thrown;
    return presentable(thrown, this.route.name);
  }

  /**
   * True if a late failure only means that the source has stopped. Each client library reports an abort with a class of its
   * own, so the moment decides: after a signal that the handler received has aborted, a failure is its consequence. A source
   * without the signal may have noticed by itself that the client has left, and reports that with an `AbortError`.
   */
  private tellsOfAbort(error: unknown): boolean {
    const { connection } = this;
    if (connection.observed && connection.signal.aborted) return true;
    return isSseError(error) || attempt(() => (error as Error).name === 'AbortError', false);
  }
}
