import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { quoted, type SseErrorCode } from '../errors/sse.errors.js';

/**
 * An error of runs that is an HTTP answer as it stands, in ordinary routes too. For `isSseError()` it is one of the
 * library's, with its code.
 */
export class RunException extends HttpException {
  readonly context: Readonly<Record<string, unknown>>;

  private constructor(
    readonly code: SseErrorCode,
    status: number,
    message: string,
    id: string,
  ) {
    super({ statusCode: status, error: STATUS_CODES[status], message }, status);
    this.name = 'SseError';
    this.context = { id };
  }

  /** 404 `SSE_RUN_UNKNOWN`: it was never started, or the log has let go of it. */
  static unknown(id: string): RunException {
    return new RunException('SSE_RUN_UNKNOWN', 404, `There is no run ${quoted(id)}.`, id);
  }

  /** 409 `SSE_RUN_EXISTS` */
  static exists(id: string): RunException {
    return new RunException('SSE_RUN_EXISTS', 409, `The run ${quoted(id)} is running already.`, id);
  }

  /** 503 `SSE_SHUTDOWN` */
  static closed(id: string): RunException {
    return new RunException('SSE_SHUTDOWN', 503, 'The application is shutting down.', id);
  }

  /** 503 `SSE_RUN_LOST`: who comes back may find it started again. */
  static over(id: string, how: 'lost' | 'interrupted'): RunException {
    return new RunException('SSE_RUN_LOST', 503, `The run ${quoted(id)} was ${how}.`, id);
  }
}
