import { Header, applyDecorators } from '@nestjs/common';
import { errorBody } from '../errors/public-error.js';
import { event, type SseEvent } from '../events/sse-event.js';
import type { SseDecorator } from '../handler/checked-method.js';
import { Sse } from '../handler/sse.decorator.js';
import type { SseRouteOptions } from '../options/sse.options.js';

const HEADER = 'x-vercel-ai-ui-message-stream';

const PRESET: Omit<SseRouteOptions, 'events'> = {
  // A chunk with `id` and `data` is a payload, and not an event of that id.
  emits: 'data',
  complete: { data: '[DONE]' },
  errors: { map: toErrorPart },
};

/**
 * An `@Sse()` route that answers with a UI message stream of the AI SDK, as `useChat()` reads it: the header
 * `x-vercel-ai-ui-message-stream: v1`, every value as data, `[DONE]` at the end, and errors as the SDK's error parts. An error
 * part shows the message of an `HttpException`, and of any other error only that it happened.
 *
 * Takes the path and the options of `@Sse()`. They replace those of the preset.
 *
 * @example
 * @UiMessages({ method: RequestMethod.POST })
 * send(@Body() { id, messages }: ChatRequest) {
 *   return startAnswer(this.runs, id, (signal) => this.model.answer(messages, signal));
 * }
 */
export function UiMessages(
  path?: string | string[],
  options?: Omit<SseRouteOptions, 'events'>,
): SseDecorator<never>;
export function UiMessages(options: Omit<SseRouteOptions, 'events'>): SseDecorator<never>;
export function UiMessages(
  pathOrOptions: string | string[] | Omit<SseRouteOptions, 'events'> = '/',
  givenOptions: Omit<SseRouteOptions, 'events'> = {},
): SseDecorator<never> {
  const withPath = typeof pathOrOptions === 'string' || Array.isArray(pathOrOptions);
  const path = withPath ? pathOrOptions : '/';
  const options = { ...PRESET, ...(withPath ? givenOptions : pathOrOptions) };
  return applyDecorators(
    Header(HEADER, 'v1'),
    Sse<never>(path, options) as MethodDecorator,
  ) as SseDecorator<never>;
}

/** The error part of the AI SDK for an error after the head. */
function toErrorPart(error: unknown): SseEvent {
  const { message } = errorBody(error);
  const errorText = typeof message === 'string' ? message : JSON.stringify(message);
  return event({ data: { type: 'error', errorText } });
}
