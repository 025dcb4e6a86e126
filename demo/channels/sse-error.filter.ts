import { STATUS_CODES } from 'node:http';
import { Catch, HttpStatus, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SseError, type SseErrorCode } from 'nestjs-event-stream';

const STATUS: Partial<Record<SseErrorCode, HttpStatus>> = {
  SSE_INVALID_CHANNEL: HttpStatus.BAD_REQUEST,
  SSE_INVALID_FIELD: HttpStatus.BAD_REQUEST,
  SSE_ID_ORDER: HttpStatus.CONFLICT,
  SSE_EVENT_TOO_LARGE: HttpStatus.PAYLOAD_TOO_LARGE,
  SSE_RUN_EXISTS: HttpStatus.CONFLICT,
  SSE_RUN_UNKNOWN: HttpStatus.NOT_FOUND,
  SSE_LOG_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
};

/**
 * Maps an error of the library to an HTTP error. Unlike the filter of the library, it sends the whole message to the client,
 * because the clients of this demo are developers.
 */
@Catch(SseError)
export class SseErrorFilter implements ExceptionFilter<SseError> {
  constructor(private readonly host: HttpAdapterHost) {}

  catch({ code, message }: SseError, host: ArgumentsHost): void {
    const statusCode = STATUS[code] ?? HttpStatus.INTERNAL_SERVER_ERROR;
    const error = STATUS_CODES[statusCode];
    const { httpAdapter } = this.host;
    httpAdapter.reply(host.switchToHttp().getResponse(), { statusCode, error, message }, statusCode);
  }
}
