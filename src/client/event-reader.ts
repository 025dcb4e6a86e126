import { isContract, type AnyContract } from '../events/event-contract.js';
import type { UnknownEvents } from './client.options.js';
import { TextEvent } from './received-event.js';

/** Makes the event that `connect()` hands out. Returns `undefined` for an event that it does not. */
export type ReadEvent = (
  type: string,
  data: string,
  id: string | undefined,
  lastEventId: string,
) => object | undefined;

/** The events of the library that a client of any contract receives, under their default names. */
const LIBRARY_EVENTS = ['gap', 'stopped', 'error'];

/** Returns the reader for the options `events` and `unknownEvents`. */
export function eventReader(
  events: readonly string[] | AnyContract | undefined,
  unknownEvents: UnknownEvents | undefined,
): ReadEvent {
  return (type, data, id, lastEventId) => {
    if (!isContract(events)) {
      if (events?.includes(type) === false) return undefined;
    } else if (type in events['~contract'] || LIBRARY_EVENTS.includes(type)) {
      return { type, data: events['~read'](type, data), id, lastEventId };
    } else if (unknownEvents !== 'deliver') return undefined;
    return new TextEvent(type, data, id, lastEventId);
  };
}
