import type { SseErrorContext } from '../options/error-context.js';
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
import type { Sink } from '../events/sink.js';
import { ErrorReports } from '../errors/error-reports.js';
import { checkOptions } from '../checking/option-check.js';
import { ERRORS } from '../options/option-tables.js';
import { SSE_DEFAULTS, type ErrorEventOptions } from '../options/sse.options.js';
import { ErrorEventStage } from '../stages/error-event.stage.js';
import { through } from './through.js';

/**
 * Tells the client of an error in mid-stream as one event, and ends the stream; an error before the first event stays
 * an HTTP error. Routes of `@Sse()` have it built in; on its own it does so for a route of Nest's `@Sse()`.
 *
 * @example
 * @UseInterceptors(new ErrorEventInterceptor({ event: 'failure' }))
 */
@Injectable()
export class ErrorEventInterceptor implements NestInterceptor<SseEvent, SseEvent> {
  private readonly reports = new ErrorReports<SseErrorContext>(new Logger(ErrorEventInterceptor.name));

  /** @throws {SseError} `SSE_INVALID_OPTIONS` */
  constructor(@Optional() private readonly options: ErrorEventOptions = {}) {
    checkOptions('ErrorEventInterceptor', options, ERRORS);
  }

  intercept(context: ExecutionContext, next: CallHandler<SseEvent>): Observable<SseEvent> {
    const place = `${context.getClass().name}.${context.getHandler().name}`;
    const report = (error: unknown): void =>
      this.reports.error(place, error, { phase: 'stream', handler: place, executionContext: context });
    return next.handle().pipe(
      through((out) => {
        let opened = false;
        const seen: Sink<SseEvent> = {
          next: (event) => {
            opened = true;
            out.next(event);
          },
          error: (error) => out.error(error),
          complete: () => out.complete(),
        };
        const settings = {
          options: { ...this.options, event: this.options.event ?? SSE_DEFAULTS.errorEvent },
          context,
          serialize: SSE_DEFAULTS.serialize,
          opened: () => opened,
          silent: () => false,
          ending: () => undefined,
          report,
          unheard: () => undefined,
          farewell: undefined,
        };
        return new ErrorEventStage(settings, seen);
      }),
    );
  }
}
