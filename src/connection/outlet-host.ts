import type { SharedTimers } from '../time/shared-timers.js';
import type { Flushes } from './flushes.js';
import type { WriteListener } from './guarded-write.js';
import type { OverflowLimit } from './overflow.js';
import type { OverflowBudget } from './overflow-budget.js';
import type { ResolvedSlowClient } from './slow-client.options.js';

/** What all outlets of an application share. */
export interface OutletHost {
  readonly timers: SharedTimers;
  readonly flushes: Flushes;
  readonly budget: OverflowBudget;
}

/** What an outlet works with. */
export interface OutletOptions extends ResolvedSlowClient {
  heartbeat: false | { intervalMs: number };
}

/** Who is told what becomes of an outlet. */
export interface OutletListener extends WriteListener {
  /** The head is about to be sent, and can still be changed. */
  beforeHead(): void;
  /** The head is out, or on its way where the framework has a hand in it. */
  opened(): void;
  /** More waits than the limit allows. */
  overflowed(limit: OverflowLimit): void;
  /** The application's `coalesce` has thrown. */
  failed(error: unknown): void;
  /** Node does not take the head; nothing of it was sent. */
  refused(error: unknown): void;
  /** The client takes nothing of what waits. */
  stalled(): void;
  /** The response takes no more: somebody else has ended it. */
  gone(): void;
}
