import type { Clock } from '../time/clock.js';

/** A queue whose memory counts toward the budget of the process. */
export interface Budgeted {
  /** Bytes in use. */
  readonly bytes: number;
  /** Of these, the bytes that were added in the turn with this number. */
  bytesOfTurn(turn: number): number;
  /** Updates `bytes` if the response has sent some of them since `takeLast()`. */
  refresh(): void;
  /** Empties the queue and ends its connection, to free memory for the others. */
  evict(): void;
}

/** The share of the budget that one synchronous burst may use. So a source that never stops emitting evicts only itself. */
const BURST_SHARE = 1 / 4;

/**
 * The memory that all overflow queues of an application may use together. When it is used up, the queue with the most bytes
 * from before this turn of the event loop is evicted. So a client that has just connected is not evicted for a first burst,
 * which it had no chance to read.
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

  /** Bytes that may be queued for one client in one turn, even beyond its own limit. */
  get maxBurstBytes(): number {
    return this.maxBytes * BURST_SHARE;
  }

  /** The number of this turn of the event loop. The next turn begins after sockets had a chance to be written to. */
  get turn(): number {
    if (!this.counting) {
      this.counting = true;
      // Twice: if this runs in the poll phase, the first callback runs in the same turn, without another poll.
      this.clock.defer(() => this.clock.defer(() => this.nextTurn()));
    }
    return this.turns;
  }

  /** Notes that a queue grew. Evicts queues, perhaps this one, until all of them fit into the budget. */
  grow(queue: Budgeted, bytes: number): void {
    this.queues.add(queue);
    this.bytes += bytes;
    if (this.bytes <= this.maxBytes) return;
    for (const each of this.queues) each.refresh();
    while (this.bytes > this.maxBytes && this.queues.size > 0) this.largest().evict();
  }

  /** Notes that a queue shrank. */
  shrink(queue: Budgeted, bytes: number): void {
    this.bytes -= bytes;
    if (queue.bytes === 0) this.queues.delete(queue);
  }

  // A linear scan is enough, because it runs only when the budget is used up.
  private largest(): Budgeted {
    const { turn } = this;
    let largest: Budgeted | undefined;
    let most = -1;
    for (const queue of this.queues) {
      const bytes = this.countedBytes(queue, turn);
      if (bytes <= most) continue;
      largest = queue;
      most = bytes;
    }
    return largest as Budgeted;
  }

  private countedBytes(queue: Budgeted, turn: number): number {
    const fresh = queue.bytesOfTurn(turn);
    return fresh > this.maxBurstBytes ? queue.bytes : queue.bytes - fresh;
  }

  private nextTurn(): void {
    this.turns++;
    this.counting = false;
  }
}
