/** The parts of a `Redis` of `ioredis` 5 and 6 that the library uses. */
export interface IoredisClient {
  readonly status: string;
  readonly options: IoredisOptions;
  /** Creates a client with the same options, except for these. */
  duplicate(options: object): IoredisClient;
  /** Resolves when the client is ready. Rejects if the connection is closed before that. */
  connect(): Promise<unknown>;
  /** Closes the connection, and does not connect again. */
  disconnect(): void;
  call(command: string, ...args: string[]): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
}

/** The options of a client that tell where it connects to. */
export interface IoredisOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
  readonly sentinels?: readonly unknown[] | null | undefined;
}

/** The parts of a `Cluster` of `ioredis` 5 and 6 that the library uses. */
export interface IoredisCluster {
  readonly status: string;
  readonly options: { readonly redisOptions?: object | undefined };
  /** The nodes of each hash slot as `host:port`, the master first. */
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(): readonly IoredisClient[];
  duplicate(startupNodes: [], options: object): IoredisCluster;
  connect(): Promise<unknown>;
  disconnect(): void;
  call(command: string, ...args: string[]): Promise<unknown>;
  refreshSlotsCache(): void;
  on(event: string, listener: (...args: never[]) => void): unknown;
}
