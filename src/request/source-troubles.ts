import type { LoggerService } from '@nestjs/common';
import type { StreamConnection } from '../connection/connection.js';
import type { Teardown } from '../source/pulled.source.js';
import { errorText, markPlace } from '../errors/error-text.js';
import { REPORTED, SseError, isSseError, quoted } from '../errors/sse.errors.js';
import { troubleBehind } from '../errors/http-error.js';
import type { Clock } from '../time/clock.js';
import type { SseRoute } from '../nest/sse-routes.js';

/** What can go wrong with the source of a stream, in words for the log. */
export class SourceTroubles implements Teardown {
  constructor(
    private readonly route: SseRoute,
    private readonly connection: StreamConnection,
    private readonly logger: LoggerService,
  ) {}

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
    this.logger.warn(
      `The source of ${this.place} still runs ${String(this.warnMs)} ms after its stream has ended. ` +
        'It waits for something that does not settle: hand the @SseSignal() of the handler to it.',
    );
  }

  onLateError(error: unknown): void {
    // A source that was told to stop may say so by throwing.
    const { connection } = this;
    if (connection.observed && error === connection.signal.reason) return;
    if ((error as { name?: unknown } | null)?.name === 'AbortError' || isSseError(error)) return;
    this.report(error);
  }

  /** Logs an error that its client is not shown. */
  report(error: unknown): void {
    if (typeof error === 'object' && error !== null && REPORTED in error) return;
    this.logger.error(`${this.place}: ${errorText(error)}`);
  }

  /**
   * Tells the log of the route of an error that becomes an HTTP error: Nest logs those that have no status, and of the
   * others nobody would hear that the event log is away.
   */
  answeredWith(error: unknown): void {
    const trouble = troubleBehind(error);
    if (trouble !== undefined) return this.report(trouble);
    const { getStatus } = error as { getStatus?: unknown };
    // What is an answer is no trouble.
    if (typeof getStatus !== 'function') markPlace(error, this.place);
  }

  /** What was thrown, if it is an error or at least an object, and otherwise an error that says what it was. */
  toError(thrown: unknown): unknown {
    if (typeof thrown === 'object' && thrown !== null) return thrown;
    return new SseError(
      'SSE_NON_ERROR_THROWN',
      `${this.route.name} threw ${quoted(thrown)}, which is no Error.`,
      {
        remedy: 'Throw an Error, or an HttpException for the client to see its message.',
        context: { thrown },
      },
    );
  }
}
