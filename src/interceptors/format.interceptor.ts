import {
  Injectable,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { SseEvent } from '../events/sse-event.js';
import { checkOptions } from '../checking/option-check.js';
import { FORMAT_DEFAULTS, FORMAT_TABLE, type FormatOptions } from '../stages/format.options.js';
import { FormatStage } from '../stages/format.stage.js';
import { through } from './through.js';

/**
 * Converts the values of a stream to events, by the rules of this library's `@Sse()`, which has it built in. Use it on routes of
 * Nest's own `@Sse()`. `raw()` does not work there, because Nest writes the fields.
 *
 * @example
 * @UseInterceptors(new FormatInterceptor({ emits: 'data' }))
 */
@Injectable()
export class FormatInterceptor implements NestInterceptor<unknown, SseEvent> {
  /** @throws {SseError} `SSE_INVALID_OPTIONS` */
  constructor(@Optional() private readonly options: FormatOptions = {}) {
    checkOptions('FormatInterceptor', options, FORMAT_TABLE);
  }

  intercept(_context: ExecutionContext, next: CallHandler<unknown>): Observable<SseEvent> {
    const { emits = FORMAT_DEFAULTS.emits, serialize = FORMAT_DEFAULTS.serialize } = this.options;
    return next
      .handle()
      .pipe(through((out) => new FormatStage({ emits, serialize, makeId: undefined }, out)));
  }
}
