import { HttpException } from '@nestjs/common';
import { HTTP_ANSWERS, titleOf } from '../errors/http-status.js';
import { quoted, type SseErrorCode } from '../errors/sse.errors.js';

/**
 * An error of runs that is an HTTP answer as it stands, in ordinary routes too. For `isSseError()` it is one of the
 * library's, with its code.
 */
export class RunException extends HttpException {
  readonly context: Readonly<Record<string, unknown>>;

  private constructor(
    readonly code: SseErrorCode,
    message: string,
    id: string,
  ) {
    const status = HTTP_ANSWERS[code]?.status ?? 500;
    super({ statusCode: status, error: titleOf(status), message }, status);
    this.name = 'SseError';
    this.context = { id };
  }

  /** 404 `SSE_RUN_UNKNOWN`: it was never started, or the log has let go of it. */
  static unknown(id: string): RunException {
    return new RunException('SSE_RUN_UNKNOWN', `There is no run ${quoted(id)}.`, id);
  }

  /** 409 `SSE_RUN_EXISTS` */
  static exists(id: string): RunException {
    return new RunException('SSE_RUN_EXISTS', `The run ${quoted(id)} is running already.`, id);
  }

  /** 503 `SSE_SHUTDOWN` */
  static closed(id: string): RunException {
    return new RunException('SSE_SHUTDOWN', 'The application is shutting down.', id);
  }

  /** 503 `SSE_RUN_LOST`: who comes back may find it started again. */
  static over(id: string, how: 'lost' | 'interrupted'): RunException {
    return new RunException('SSE_RUN_LOST', `The run ${quoted(id)} was ${how}.`, id);
  }
}
