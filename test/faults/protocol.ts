/** The requests to the server, and its answers. */
export interface Commands {
  /** `tidy`: after a garbage collection, so that heaps can be compared. */
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
  /** Collects garbage before each sample, so that it shows memory in use, not garbage. */
  tidy?: boolean;
}

export interface Published {
  tookMs: number;
  /** The largest growth of memory in use. */
  peakRssBytes: number;
  peakHeapBytes: number;
  /** Outside the heap: the bytes of buffers. */
  peakBufferBytes: number;
}

/** The resources that a server holds, and its complaints. */
export interface Stats {
  connections: number;
  slots: number;
  /** Sockets that the server counts as connected. */
  sockets: number;
  /** Bytes queued on all connections. */
  queuedBytes: number;
  dropped: number;
  heapBytes: number;
  rssBytes: number;
  /** Handles that keep the process alive, by kind, as `node:process` reports them. */
  handles: number;
  /** Listeners on the process and its server. */
  listeners: number;
  /** Log entries, warnings of Node, and unhandled rejections. */
  complaints: string[];
  /** Connections that the log reports as disconnected because their client was too slow. */
  cutOffs: number;
}

/** One call and its answer, as sent between the processes. */
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
