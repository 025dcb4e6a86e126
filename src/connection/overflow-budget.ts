import type { Clock } from '../time/clock.js';

/** A queue whose memory counts toward the budget of the process. */
export interface Budgeted {
  /** Bytes in use. */
  readonly bytes: number;
  /** Of these, the bytes that were added in the turn with this number. */
  bytesOfTurn(turn: number): number;
  /** Corrects `bytes`, where some of them were sent without the queue. */
  refresh(): void;
  /** Gives all its memory back, because it is the one that has to go. */
  evict(): void;
}

/** One synchronous burst may take this share of the budget: a source that never stops emitting does not evict others. */
const BURST_SHARE = 1 / 4;

/**
 * The memory that all overflow queues of an application may use together. When it is used up, the queue goes in which
 * most has been waiting since before this turn of the event loop. So a client that has just connected is not evicted
 * for a first burst that it had no chance to read.
 */
export class OverflowBudget {
  /** Queues in use, in the order in which their clients fell behind. */
  private readonly queues = new Set<Budgeted>();
  private turns = 0;
  private counting = false;
  /** Bytes in use by all queues. */
  bytes = 0;

  constructor(
    private readonly clock: Clock,
    readonly maxBytes: number,
  ) {}

  /** Bytes that one client may be given in one turn, beyond its own limit. */
  get maxBurstBytes(): number {
    return this.maxBytes * BURST_SHARE;
  }

  /** The number of this turn of the event loop. A new one begins only after sockets had the chance to be written to. */
  get turn(): number {
    if (!this.counting) {
      this.counting = true;
      // Twice: what runs while sockets are polled is followed by the first without another poll.
      this.clock.defer(() => this.clock.defer(() => this.nextTurn()));
    }
    return this.turns;
  }

  /** Takes note that a queue grew; evicts others, or this one, until everything fits. */
  grow(queue: Budgeted, bytes: number): void {
    this.queues.add(queue);
    this.bytes += bytes;
    if (this.bytes <= this.maxBytes) return;
    for (const each of this.queues) each.refresh();
    while (this.bytes > this.maxBytes && this.queues.size > 0) this.worst().evict();
  }

  /** Takes note that a queue shrank. */
  shrink(queue: Budgeted, bytes: number): void {
    this.bytes -= bytes;
    if (queue.bytes === 0) this.queues.delete(queue);
  }

  // A scan: it happens only when the budget is used up, and then frees the largest queue.
  private worst(): Budgeted {
    const { turn } = this;
    let worst: Budgeted | undefined;
    let most = -1;
    for (const queue of this.queues) {
      const bytes = this.blamedBytes(queue, turn);
      if (bytes <= most) continue;
      worst = queue;
      most = bytes;
    }
    return worst as Budgeted;
  }

  private blamedBytes(queue: Budgeted, turn: number): number {
    const fresh = queue.bytesOfTurn(turn);
    return fresh > this.maxBurstBytes ? queue.bytes : queue.bytes - fresh;
  }

  private nextTurn(): void {
    this.turns++;
    this.counting = false;
  }
}
