import { STATUS_CODES } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import { SseEvent, event, isSseEvent } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';
import { toText, type Serialize } from '../events/to-event.js';
import type { ErrorEventOptions } from '../options/sse.options.js';

/** The payload of an error event. */
export interface ErrorBody {
  statusCode: number;
  error: string;
  message: unknown;
}

/** What the stage needs to know of the stream it works for. */
export interface ErrorEventSettings {
  options: ErrorEventOptions & { event: string };
  context: ExecutionContext;
  /** Writes what `options.map` makes of an error. */
  serialize: Serialize;
  /** Whether anything was sent: until then an error is an HTTP error. */
  opened(): boolean;
  /** Whether errors are to go unmentioned: the stream was told to end, and an error is how some sources do. */
  silent(): boolean;
  /** Called before the last words: nothing follows them. */
  ending(): void;
  /** Called once with what went wrong. */
  report(error: unknown): void;
  /** Sent after the event of an error that a reconnect would only meet again (4xx). */
  farewell: SseEvent | undefined;
}

/** An error after the head → one event, and the end. */
export class ErrorEventStage implements Sink<SseEvent> {
  constructor(
    private readonly settings: ErrorEventSettings,
    private readonly out: Sink<SseEvent>,
  ) {}

  next(event: SseEvent): void {
    this.out.next(event);
  }

  complete(): void {
    this.out.complete();
  }

  error(error: unknown): void {
    const { opened, silent, ending, report, farewell } = this.settings;
    if (!opened()) return this.out.error(error);
    if (silent()) return this.out.complete();
    const body = errorBody(error);
    if (body.statusCode >= 500) report(error);
    const told = this.eventOf(error, body);
    ending();
    if (told) this.out.next(told);
    if (farewell && body.statusCode < 500) this.out.next(farewell);
    this.out.complete();
  }

  /** How a client is told of an error, if it is. */
  eventOf(error: unknown, body: ErrorBody = errorBody(error)): SseEvent | undefined {
    const { options, context, serialize, report } = this.settings;
    const usual = (): SseEvent => event({ type: options.event, data: written(body) });
    if (!options.map) return usual();
    try {
      const mapped = options.map(error, context);
      if (mapped === undefined) return undefined;
      if (isSseEvent(mapped)) {
        const { type, id, retry, comment, data, raw } = mapped;
        const text = data === undefined ? undefined : toText(data, serialize);
        return new SseEvent(type, id, retry, comment, text, raw);
      }
      return event({ type: options.event, data: toText(mapped, serialize) });
    } catch (failure) {
      report(failure);
      return usual();
    }
  }
}

// The message of an exception may be anything, also what JSON cannot express.
function written(body: ErrorBody): string {
  try {
    return JSON.stringify(body);
  } catch {
    return JSON.stringify({ ...body, message: body.error });
  }
}

/** What may be told of an error: an `HttpException`'s own words, and of anything else only that it happened. */
export function errorBody(error: unknown): ErrorBody {
  const exception = error as
    { getStatus?: () => number; getResponse?: () => unknown; message?: string } | undefined;
  if (typeof exception?.getStatus !== 'function' || typeof exception.getResponse !== 'function') {
    return { statusCode: 500, error: 'Internal Server Error', message: 'Internal server error' };
  }
  const statusCode = exception.getStatus();
  const name = STATUS_CODES[statusCode] ?? 'Error';
  const response = exception.getResponse();
  if (typeof response === 'string') return { statusCode, error: name, message: response };
  // An exception made from another error would show that error's words, which were not written for clients.
  if (response instanceof Error || typeof response !== 'object')
    return { statusCode, error: name, message: name };
  const { error: title, message } = response as { error?: unknown; message?: unknown };
  return {
    statusCode,
    error: typeof title === 'string' ? title : name,
    message: message ?? exception.message,
  };
}
