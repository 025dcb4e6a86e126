import type { ExecutionContext } from '@nestjs/common';
import { presentable } from '../errors/http-error.js';
import { errorBody, type ErrorBody } from '../errors/public-error.js';
import { SseEvent, event, isSseEvent } from '../events/sse-event.js';
import type { Sink } from '../events/sink.js';
import { toEvent, toText } from '../events/to-event.js';
import { END_OF_STREAM_ID, END_OF_STREAM_TYPE } from '../wire/end-of-stream.js';
import type { ResolvedEnding } from './ending.options.js';
import type { ResolvedFormat } from './format.options.js';

/** The stream that the stage ends. */
export interface EndingSettings {
  options: ResolvedEnding & Pick<ResolvedFormat, 'emits' | 'serialize'>;
  context: ExecutionContext;
  /** True if the client is an `EventSource`, which reconnects by itself. */
  reconnects: boolean;
  /** Called once with an error that the client is not shown in full. */
  report(error: unknown): void;
  /** Called with an error that no event reports, because the application shuts down. */
  unheard(error: unknown): void;
}

/** The next stage: the connection. */
export interface EndingSink extends Sink<SseEvent> {
  /** True if anything was sent. Until then an error is an HTTP error. */
  readonly used: boolean;
  /** True while the application shuts down. No last events are sent then, and an error is how some sources end. */
  readonly leaving: boolean;
  /** Set before the last events. Nothing follows them. */
  ending: boolean;
}

/** The block that stops an `EventSource` from reconnecting (see `wire/end-of-stream.ts`). */
export const FAREWELL = event({ type: END_OF_STREAM_TYPE, id: END_OF_STREAM_ID, data: '' });

/** {@link FAREWELL} for a client that reconnects, unless the application wants it to. */
export function farewellFor({ complete }: ResolvedEnding, reconnects: boolean): SseEvent | undefined {
  return reconnects && complete !== 'reconnect' ? FAREWELL : undefined;
}

/** Turns the end of a stream into its last events, and an error after the head into one event and the end. */
export class EndingStage implements Sink<SseEvent> {
  constructor(
    private readonly settings: EndingSettings,
    private readonly out: EndingSink,
  ) {}

  next(event: SseEvent): void {
    this.out.next(event);
  }

  complete(): void {
    const { out } = this;
    try {
      out.ending = true;
      if (!out.leaving) for (const last of this.lastEvents()) out.next(last);
    } catch (error) {
      this.error(error);
      return;
    }
    out.complete();
  }

  error(error: unknown): void {
    const { out, settings } = this;
    if (!out.used) return out.error(presentable(error));
    if (out.leaving) {
      settings.unheard(error);
      return out.complete();
    }
    const body = errorBody(error);
    if (body.statusCode >= 500) settings.report(error);
    const last = this.eventOf(error, body);
    out.ending = true;
    if (last) out.next(last);
    // A client that reconnects after a 4xx would receive the same error again.
    const farewell = farewellFor(settings.options, settings.reconnects);
    if (farewell && body.statusCode < 500) out.next(farewell);
    out.complete();
  }

  /** The event that reports an error; `undefined` if `errors.map` wants none. */
  eventOf(error: unknown, body: ErrorBody = errorBody(error)): SseEvent | undefined {
    const { options, context, report } = this.settings;
    const { errors, serialize } = options;
    const usual = (): SseEvent => event({ type: errors.event, data: JSON.stringify(body) });
    if (!errors.map) return usual();
    try {
      const mapped = errors.map(error, context);
      if (mapped === undefined) return undefined;
      if (isSseEvent(mapped)) {
        const { type, id, retry, comment, data, raw } = mapped;
        const text = data === undefined ? undefined : toText(data, serialize);
        return new SseEvent(type, id, retry, comment, text, raw);
      }
      return event({ type: errors.event, data: toText(mapped, serialize) });
    } catch (failure) {
      report(failure);
      return usual();
    }
  }

  private lastEvents(): SseEvent[] {
    const { options, reconnects } = this.settings;
    const { complete, emits, serialize } = options;
    const farewell = farewellFor(options, reconnects);
    if (complete === undefined || complete === 'reconnect') return farewell ? [farewell] : [];
    const { event: type, id = farewell?.id, data = '' } = complete;
    const last = toEvent(event({ type, id, data }), emits, serialize);
    const events = last ? [last] : [];
    if (complete.id !== undefined && farewell) events.push(farewell);
    return events;
  }
}
