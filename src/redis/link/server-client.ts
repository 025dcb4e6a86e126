/** Callbacks of a {@link ServerClient}. */
export interface ServerClientEvents {
  /** The connection works, for the first time or again, and its channels are subscribed. */
  ready(): void;
  /** An attempt to connect failed, or the connection was lost. */
  failed(error: unknown): void;
  /** A message arrived on a subscribed channel. */
  message(channel: string, text: string): void;
}

/** A connection to one Redis server. It is made again whenever it is lost, with its subscriptions. */
export interface ServerClient {
  readonly isReady: boolean;
  /** Starts to connect, and continues until it succeeds or {@link destroy} is called. */
  connect(): void;
  /** Sends a command once. Rejects if there is no connection, or if it is lost before the answer arrives. */
  send(command: readonly string[]): Promise<unknown>;
  ping(): Promise<unknown>;
  subscribe(channels: readonly string[]): Promise<unknown>;
  unsubscribe(channels: readonly string[]): Promise<unknown>;
  /** Breaks the connection. Commands without an answer are rejected. */
  destroy(): void;
}

/** Makes the connections to one server, or to the master that sentinels name. */
export interface ServerClients {
  /** The subject of messages: "… is not available". */
  readonly address: string;
  /** How often to look for lost announcements, in milliseconds. */
  readonly sweepMs: number;
  make(events: ServerClientEvents): ServerClient;
}

/** How often to look for lost announcements if one server cannot lose them unnoticed, in milliseconds. */
export const SERVER_SWEEP_MS = 30_000;
/** The same while several servers can change their roles. */
export const TOPOLOGY_SWEEP_MS = 5000;
