import { checkedId, event } from '../events/sse-event.js';
import type { OptionKind } from './option-check.js';
import { kind } from './option-kinds.js';

/** The type of an event, as `event()` takes it. */
export const eventType: OptionKind = kind(
  (value) => typeof value === 'string' && passes(() => event({ type: value, data: '' })),
  'the type of an event: a string on one line',
);

/** The id of an event. */
export const eventId: OptionKind = kind(
  (value) => value !== null && passes(() => checkedId(value)),
  'an id: printable ASCII without a space at either end',
);

function passes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
