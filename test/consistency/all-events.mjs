import { event } from 'nestjs-event-stream';

/**
 * The indexes of all events since the channel began, in their order. A state and the events after it are the fold of everything exactly if
 * they have every event once, in the order of all other clients.
 */
export const allEvents = {
  initial: [],
  step: (indexes, { data }) => {
    indexes.push(data.index);
    return indexes;
  },
  toEvents: (indexes) => event({ type: 'state', data: { indexes } }),
  every: 10,
};
