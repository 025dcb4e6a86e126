import { BadRequestException } from '@nestjs/common';
import { event, type EventInit } from 'nestjs-event-stream';

const MAX_EVENTS = 1000;
const FIELDS = new Set(['data', 'id', 'type', 'event', 'retry', 'comment']);

/**
 * Reads the events to publish from the body of `POST /channels/:name`: one event, or an array of events. An object
 * `{"type", "id", "data"}` is an event with these fields. Any other value is the payload of an event.
 *
 * @throws {BadRequestException} without a body, and for more events than fit in one request.
 * @throws {SseError} `SSE_INVALID_FIELD` for a field that is not valid in an event.
 */
export function readPublication(body: unknown): unknown[] {
  if (body === undefined) {
    throw new BadRequestException('The body must be JSON: an event like {"data": …}, or an array of them.');
  }
  const values: unknown[] = Array.isArray(body) ? body : [body];
  if (values.length <= MAX_EVENTS) return values.map(toPublishable);
  throw new BadRequestException(`At most ${MAX_EVENTS} events can be published at once.`);
}

function toPublishable(value: unknown): unknown {
  return isEvent(value) ? event(value) : value;
}

function isEvent(value: unknown): value is EventInit {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return 'data' in value && Object.keys(value).every((key) => FIELDS.has(key));
}
