import {
  Injectable,
  Logger,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { SseEvent } from '../events/sse-event.js';
import { ErrorReports } from '../errors/error-reports.js';
import { checkOptions } from '../checking/option-check.js';
import type { SseErrorContext } from '../options/error-context.js';
import {
  ERROR_EVENT_TABLE,
  resolveErrorEvent,
  type ErrorEventOptions,
  type ResolvedEnding,
} from '../stages/ending.options.js';
import { EndingStage, type EndingSink } from '../stages/ending.stage.js';
import { FORMAT_DEFAULTS } from '../stages/format.options.js';
import { through } from './through.js';

/**
 * Sends an error of a stream as one event, and ends the stream. An error before the first event stays an HTTP error. Routes of
 * this library's `@Sse()` have it built in. Use it on routes of Nest's own `@Sse()`.
 *
 * @example
 * @UseInterceptors(new ErrorEventInterceptor({ event: 'failure' }))
 */
@Injectable()
export class ErrorEventInterceptor implements NestInterceptor<SseEvent, SseEvent> {
  private readonly reports = new ErrorReports<SseErrorContext>(new Logger(ErrorEventInterceptor.name));

  private readonly ending: ResolvedEnding;

  /** @throws {SseError} `SSE_INVALID_OPTIONS` */
  constructor(@Optional() options: ErrorEventOptions = {}) {
    checkOptions('ErrorEventInterceptor', options, ERROR_EVENT_TABLE);
    this.ending = { errors: resolveErrorEvent(options), complete: 'reconnect' };
  }

  intercept(context: ExecutionContext, next: CallHandler<SseEvent>): Observable<SseEvent> {
    const place = `${context.getClass().name}.${context.getHandler().name}`;
    const report = (error: unknown): void =>
      this.reports.error(place, error, { phase: 'stream', handler: place, executionContext: context });
    return next.handle().pipe(
      through((out) => {
        const sink: EndingSink & { used: boolean } = {
          used: false,
          leaving: false,
          ending: false,
          next: (event) => {
            sink.used = true;
            out.next(event);
          },
          error: (error) => out.error(error),
          complete: () => out.complete(),
        };
        const options = { ...this.ending, ...FORMAT_DEFAULTS };
        const unheard = (): void => undefined;
        return new EndingStage({ options, context, reconnects: false, report, unheard }, sink);
      }),
    );
  }
}
