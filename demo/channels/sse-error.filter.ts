import { STATUS_CODES } from 'node:http';
import { Catch, HttpStatus, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SseError, type SseErrorCode } from 'nestjs-event-stream';

const STATUS: Partial<Record<SseErrorCode, HttpStatus>> = {
  SSE_INVALID_CHANNEL: HttpStatus.BAD_REQUEST,
  SSE_INVALID_FIELD: HttpStatus.BAD_REQUEST,
  SSE_ID_ORDER: HttpStatus.CONFLICT,
  SSE_EVENT_TOO_LARGE: HttpStatus.PAYLOAD_TOO_LARGE,
  SSE_LOG_UNAVAILABLE: HttpStatus.SERVICE_UNAVAILABLE,
};

/** What the library refuses, ordinary routes refuse in its words: they say what to do. */
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
