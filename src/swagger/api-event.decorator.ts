import type { Type } from '@nestjs/common';
import { SseError, quoted } from '../errors/sse.errors.js';
import type { JsonSchema } from './json-schema.js';

/** Describes the events of one name. */
export interface ApiEventOptions {
  /** The class of the data, with decorators of `@nestjs/swagger`. */
  type?: Type;
  /** The data as a JSON Schema or a reference, instead of a class. */
  schema?: JsonSchema;
  /** True for data that is text and not JSON. @default false */
  text?: boolean;
  /** True if the data is an array of `type`. @default false */
  isArray?: boolean;
  /** Shown beside the event. @default none */
  description?: string;
}

/** An event as `@ApiEvent()` was given it. */
export interface DocumentedEvent extends ApiEventOptions {
  readonly name: string;
}

const API_EVENTS = Symbol.for('nestjs-event-stream:api-events');

/**
 * Documents an event of an `@Sse()` route, for routes whose data are DTO classes. Use it once for each event name. A route with
 * the option `events` needs it only to add a description.
 *
 * @param name the name of the event; `message` for events without a name
 * @param data the class of its data, or its options @default any JSON
 * @throws {SseError} `SSE_INVALID_OPTIONS` for an empty name, or one with a line break
 * @example
 * @ApiEvent('progress', ProgressDto)
 * @ApiEvent('done', { type: ImportDto, description: 'The import is complete.' })
 * @Sse('imports/:id')
 */
export function ApiEvent(name: string, data: Type | ApiEventOptions = {}): MethodDecorator {
  if (typeof name !== 'string' || name === '' || /[\r\n]/.test(name)) {
    throw new SseError('SSE_INVALID_OPTIONS', `@ApiEvent(): Invalid event name ${quoted(name)}.`, {
      remedy: 'Use a name on one line. An event without a name is "message".',
      context: { option: 'name', value: name },
    });
  }
  const options = typeof data === 'function' ? { type: data } : data;
  return (_target, _key, descriptor) => {
    const handler = descriptor.value as object;
    // Decorators run from the bottom to the top.
    Reflect.defineMetadata(API_EVENTS, [{ ...options, name }, ...documentedEvents(handler)], handler);
  };
}

/** The events that `@ApiEvent()` documents for a handler, from top to bottom. */
export function documentedEvents(handler: object): readonly DocumentedEvent[] {
  return (Reflect.getMetadata(API_EVENTS, handler) ?? []) as DocumentedEvent[];
}
