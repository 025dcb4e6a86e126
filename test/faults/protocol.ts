/** What the server is asked to do, and what it answers. */
export interface Commands {
  /** `tidy`: after a collection of garbage, so that heaps can be compared. */
  stats(tidy?: boolean): Stats;
  /** Publishes to every `/live` and `/channel` stream; `perTurn` at a time. */
  publish(order: PublishOrder): Promise<Published>;
  /** Closes the application, in the same process. */
  close(): Promise<{ tookMs: number; left: string[] }>;
}

export interface PublishOrder {
  to: 'subject' | 'channel';
  count: number;
  bytes: number;
  perTurn: number;
  /** Milliseconds between two turns; 0 for the next turn of the event loop. */
  everyMs: number;
  /** Collects garbage before each look at the memory: what is held, and not when it is let go of. */
  tidy?: boolean;
}

export interface Published {
  tookMs: number;
  /** How much more memory than before was in use at the worst moment. */
  peakRssBytes: number;
  peakHeapBytes: number;
  /** Outside the heap: the bytes of buffers. */
  peakBufferBytes: number;
}

/** What a server holds, and what it has complained of. */
export interface Stats {
  connections: number;
  slots: number;
  /** Sockets that the server counts as connected. */
  sockets: number;
  /** Bytes that wait, of all connections. */
  queuedBytes: number;
  dropped: number;
  heapBytes: number;
  rssBytes: number;
  /** What keeps the process alive, by kind, as `node:process` tells. */
  handles: number;
  /** Listeners on the process and its server. */
  listeners: number;
  /** Entries in the log, warnings of Node, rejections that nobody handled. */
  complaints: string[];
  /** Connections of which the log says that they were cut off because their client was too slow. */
  cutOffs: number;
}

/** One call, and its answer, as they go between the processes. */
export interface Call {
  id: number;
  name: keyof Commands;
  args: unknown[];
}
export interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}
