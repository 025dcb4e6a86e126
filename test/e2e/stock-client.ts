import { EventSource } from 'eventsource';
import { until } from './adapters.js';

/** The events that a stock `EventSource` received. */
export interface StockClient {
  /** Every event, in order. */
  readonly events: { type: string; data: string; id: string }[];
  /** For each of its `error` events the status, `undefined` if a connection just ended. */
  readonly statuses: (number | undefined)[];
  /** Resolves once it has stopped reconnecting. */
  closed(): Promise<void>;
}

const open = new Set<EventSource>();

/** Follows a stream with the npm package `eventsource`, listening to these named events as well. */
export function followWithStockClient(url: string, types: readonly string[] = []): StockClient {
  const source = new EventSource(url);
  open.add(source);
  const events: StockClient['events'] = [];
  const statuses: StockClient['statuses'] = [];
  for (const name of ['message', ...types]) {
    source.addEventListener(name, ({ type, data, lastEventId: id }) => events.push({ type, data, id }));
  }
  source.addEventListener('error', ({ code }) => statuses.push(code));
  const closed = () => until(() => source.readyState === EventSource.CLOSED, 'the end of the EventSource');
  return { events, statuses, closed };
}

/** Closes what a test left open. */
export function closeStockClients(): void {
  for (const source of open) source.close();
  open.clear();
}
