import { defineEvents, type } from 'nestjs-event-stream/events';

/** The figures that one node reports about its open connections, once per second. */
export interface ServerFigures {
  /** Name of the node. */
  readonly node: string;
  /** Open event streams. */
  readonly open: number;
  /** Events that were sent within the last second. */
  readonly eventsPerSecond: number;
  /** Bytes of events that are queued for clients. */
  readonly bytesQueued: number;
}

/** The events of `GET /live/stream`. The page imports this file as well. */
export const liveEvents = defineEvents({
  /** The first event of every connection: the node that serves it, and where the events are stored. */
  node: type<{ name: string; storage: 'memory' | 'redis' | 'postgres' }>(),
  /** Published four times per second. The numbers have no holes, so a client can prove that it missed nothing. */
  pulse: type<{ number: number }>(),
  server: type<ServerFigures>(),
  /** A text that a visitor published. */
  notice: type<{ text: string }>(),
});
