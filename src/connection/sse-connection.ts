/**
 * One open stream, as handlers (`@SseConnection()`) and `SseConnections` show it. `Request` is what the application
 * takes its requests for: that of Express or Fastify, or what a guard made of it.
 */
export interface SseConnection<Request extends object = object> {
  /** Unlike that of any other connection of this process. */
  readonly id: string;
  /** Method and path pattern of its route, such as `GET /progress/:id`. */
  readonly route: string;
  /** The client's address, as the framework tells it. */
  readonly ip: string | undefined;
  readonly openedAt: Date;
  /** The framework's request: who the user is stands there. */
  readonly request: Request;
  /** Where the client left off, from `Last-Event-ID`; `undefined` on a first connect. */
  readonly lastEventId: string | undefined;
  /** Aborts when the stream is over, whoever ended it; `signal.reason` is an `SseError` whose code says why. */
  readonly signal: AbortSignal;
  /** Events sent so far, comments not counted. */
  readonly events: number;
  /** Bytes of the body given to the response so far. */
  readonly bytes: number;
  /** Bytes of memory in use for what waits for the client now, as `overflow.maxBytes` counts them. */
  readonly queuedBytes: number;
  /** Events dropped so far because the client was too slow (see `overflow`). */
  readonly dropped: number;
  /** Ends the stream after what waits; the client may reconnect. */
  close(): void;
}
