import type { ExecutionContext } from '@nestjs/common';
import { SseEvent, event, isSseEvent } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';
import { toText, type Serialize } from '../events/to-event.js';
import { presentable } from '../errors/http-error.js';
import { errorBody, type ErrorBody } from '../errors/told.js';
import type { ErrorEventOptions } from '../options/sse.options.js';

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
  /** Called with an error that goes unmentioned. */
  unheard(error: unknown): void;
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
    const { opened, silent, ending, report, unheard, farewell } = this.settings;
    if (!opened()) return this.out.error(presentable(error));
    if (silent()) {
      unheard(error);
      return this.out.complete();
    }
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
    const usual = (): SseEvent => event({ type: options.event, data: JSON.stringify(body) });
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
