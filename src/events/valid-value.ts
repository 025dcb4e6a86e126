import type { AnyContract } from './event-contract.js';
import { isGap } from './library-events.js';
import { event, isSseEvent, type SseEvent } from './sse-event.js';
import { isMessageEvent, type Emits } from './to-event.js';
import { validPayload } from './valid-payload.js';

/**
 * Validates one value of a stream, read as `toEvent()` reads it. The text of `raw()` and the events of the library are not
 * validated.
 *
 * @throws {SseError} `SSE_INVALID_EVENT`, `SSE_INVALID_CONTRACT`
 */
export function validateValue(contract: AnyContract, value: unknown, emits: Emits): void {
  if (value === undefined) return;
  if (typeof value === 'object' && value !== null) {
    if (isSseEvent(value)) return validateEvent(contract, value);
    if (emits === 'events' && isMessageEvent(value)) return validateEvent(contract, event(value));
  }
  validPayload(contract, 'message', value);
}

function validateEvent(contract: AnyContract, given: SseEvent): void {
  const { type = 'message', data } = given;
  if (data === undefined) return;
  if (!(type in contract['~contract']) && (type === 'stopped' || isGap(given))) return;
  validPayload(contract, type, data);
}
