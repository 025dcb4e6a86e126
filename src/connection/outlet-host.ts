import type { SharedTimers } from '../time/shared-timers.js';
import type { Slices } from '../time/slices.js';
import type { WriteListener } from './guarded-write.js';
import type { OverflowLimit } from './overflow.js';
import type { OverflowBudget } from './overflow-budget.js';
import type { ResolvedSlowClient } from './slow-client.options.js';

/** The parts that all outlets of an application share. */
export interface OutletHost {
  readonly timers: SharedTimers;
  readonly flushes: Slices<{ flush(): void }>;
  readonly budget: OverflowBudget;
}

/** The options of a stream that its outlet uses. */
export interface OutletOptions extends ResolvedSlowClient {
  heartbeat: false | { intervalMs: number };
}

/** Callbacks of an `Outlet`. */
export interface OutletListener extends WriteListener {
  /** The head is about to be sent. It can still be changed. */
  beforeHead(): void;
  /** The head was sent, or the framework is sending it. */
  opened(): void;
  /** More bytes wait for the client than this limit allows. */
  overflowed(limit: OverflowLimit): void;
  /** The application's `coalesce` has thrown. */
  failed(error: unknown): void;
  /** Node rejected the head. Nothing was sent. */
  refused(error: unknown): void;
  /** The client has read nothing for `stallMs`. */
  stalled(): void;
  /** The response accepts no more bytes: the client has left, or other code has ended it. */
  gone(): void;
}
