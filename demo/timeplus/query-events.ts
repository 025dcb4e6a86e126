import { defineEvents, type } from 'nestjs-event-stream/events';
import type { Metrics } from './query-metrics.js';

/** A column of the result. */
export interface Column {
  readonly name: string;
  /** Name of the type, as Timeplus writes it. */
  readonly type: string;
}

/** The query and its columns. At the end also its outcome. */
export interface Description {
  readonly id: string;
  readonly sql: string;
  readonly result: { readonly header: readonly Column[] };
  readonly status?: 'finished';
  /** Milliseconds. */
  readonly duration?: number;
  readonly end_time?: string;
}

/** The events of `POST /tenant/api/v1beta2/queries`. */
export const queryEvents = defineEvents({
  /** The first event, and the last one of a query that has finished. */
  query: type<Description>(),
  /** Rows in the order of the columns. The event has no name. */
  message: type<readonly (readonly unknown[])[]>(),
  metrics: type<Metrics>(),
});
