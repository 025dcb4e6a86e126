import { Catch, HttpException, Logger, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { routeOf } from '../connection/response.js';
import { errorText } from '../errors/error-text.js';
import { logLine } from '../errors/log-line.js';
import { SseError } from '../errors/sse.errors.js';
import { toHttpError } from '../errors/http-error.js';

/**
 * Maps an {@link SseError} that an ordinary route throws to the status that it has on an `@Sse()` route: 503 while the event
 * log is unavailable, 404 for an unknown run, and 413, 409 or 400. A mistake in the program stays a 500. For a GraphQL resolver, it
 * throws that error. Errors of 500 and above are logged.
 *
 * @example
 * @UseFilters(SseErrorFilter)
 * @Post('news') publish(@Body() news: News) { return this.channels.channel<News>('news').publish(news); }
 */
@Catch(SseError)
export class SseErrorFilter extends BaseExceptionFilter<SseError> {
  private readonly logger = new Logger(SseErrorFilter.name);

  override catch(error: SseError, host: ArgumentsHost): void {
    const answer = toHttpError(error, true);
    // A GraphQL resolver has no response. Its library reports what is thrown here.
    if (host.getType() !== 'http') throw answer;
    // Nest logs an error without a status as a 500.
    if (answer instanceof HttpException && answer.getStatus() >= 500) {
      const line = `${routeOf(host.switchToHttp().getRequest())}: ${errorText(error)}`;
      logLine(this.logger, 'error', line);
    }
    // oxlint-disable-next-line promise/valid-params, promise/no-promise-in-callback -- the catch() of a filter
    super.catch(answer as SseError, host);
  }
}
