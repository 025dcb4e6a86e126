/**
 * One open stream, in handlers (`@SseConnection()`) and in `SseConnections`. `Request` is the request type of the
 * application: that of Express or Fastify, with the properties that guards have added.
 */
export interface SseConnection<Request extends object = object> {
  /** Unique within this process. */
  readonly id: string;
  /** The method and path pattern of the route, such as `GET /progress/:id`. */
  readonly route: string;
  /** The address of the client, as the framework reports it. */
  readonly ip: string | undefined;
  readonly openedAt: Date;
  /** The framework's request, for example with the user that a guard has set. */
  readonly request: Request;
  /** The id of the last event that the client has received, from `Last-Event-ID`; `undefined` on a first connection. */
  readonly lastEventId: string | undefined;
  /** Aborts when the stream ends for any reason. `signal.reason` is an `SseError` with the code of that reason. */
  readonly signal: AbortSignal;
  /** The number of events that were sent, without comments. */
  readonly events: number;
  /** The bytes of the body that were written to the response. */
  readonly bytes: number;
  /** Memory of the events that wait for the client, as `overflow.maxBytes` counts them. */
  readonly queuedBytes: number;
  /** The number of events that were dropped because the client was too slow (see `overflow`). */
  readonly dropped: number;
  /** Ends the stream after all queued events. The client may reconnect. */
  close(): void;
}
