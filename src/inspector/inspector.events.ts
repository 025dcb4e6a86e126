import { defineEvents } from '../events/event-contract.js';
import { type } from '../events/payload-schemas.js';

/** One connection of a node. */
export interface ConnectionReport {
  id: string;
  route: string;
  key: string;
  user: string | null;
  ip: string;
  /** Milliseconds since 1970, as all times of a report. */
  openedAt: number;
  events: number;
  bytes: number;
  queuedBytes: number;
  dropped: number;
}

/** A channel that has subscribers on a node. */
export interface ChannelReport {
  name: string;
  subscribers: number;
  /** Events that were published since the last report. */
  published: number;
  /** True if more were published than were counted. */
  more: boolean;
  /** The events that the log keeps. `null` if the log does not tell. */
  kept: { events: number; bytes: number; oldestAt: number | null } | null;
}

/** A run that a node owns. */
export interface RunReport {
  id: string;
  status: string;
  startedAt: number;
  viewers: number;
}

/** The places under one key of a limit. */
export interface LimitReport {
  key: string;
  taken: number;
  max: number;
  /** True if all nodes count together. */
  shared: boolean;
}

/** The ends of streams with one code: a count for each minute of the last hour, oldest first. */
export interface CloseReport {
  code: string;
  reason: string;
  perMinute: number[];
}

/** A connection that was cut off, because its client was too slow. */
export interface CutOffReport {
  at: number;
  route: string;
  id: string;
  limit: string;
  queuedBytes: number;
}

/** The state of one node. */
export interface NodeReport {
  node: string;
  at: number;
  startedAt: number;
  intervalMs: number;
  totals: { connections: number; events: number; queuedBytes: number; maxQueuedBytes: number };
  routes: { route: string; connections: number }[];
  connections: ConnectionReport[];
  channels: ChannelReport[];
  runs: RunReport[];
  limits: LimitReport[];
  closes: CloseReport[];
  cutOffs: CutOffReport[];
  log: { kind: string; status: 'up' | 'down'; error: string | null };
}

/** The events of the stream that feeds the page. */
export const inspectorEvents = defineEvents({
  /** Whether the application names users. Sent once. */
  settings: type<{ users: boolean; node: string }>(),
  node: type<NodeReport>(),
});
