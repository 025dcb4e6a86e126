import { event as makeEvent, type SseEvent } from '../events/sse-event.js';
import { immediate } from '../errors/guard.js';
import { encodeEvent } from '../wire/encode-event.js';
import type { Budgeted, OverflowBudget } from './overflow-budget.js';
import type { OverflowOptions } from './slow-client.options.js';

/** Default type of the event that reports dropped events. */
const OVERFLOW_EVENT = 'overflow';

/** The limit that one more event would exceed. */
export type OverflowLimit = 'overflow.maxBytes' | 'maxQueuedBytes';

// Measured with heap snapshots on Node 20: a `QueuedEvent` has 80 bytes, and a string 16 besides its characters. Rounded up.
/** Memory of a queued event besides its text. */
const EVENT_BYTES = 128;
/** Memory of a key besides its text: an entry of the map, which grows by doubling, and a string. */
const KEY_BYTES = 112;

/** A node of a doubly linked list, from the oldest to the newest event. */
interface QueuedEvent {
  readonly block: string;
  /** Memory in use. */
  readonly bytes: number;
  readonly key: string | undefined;
  /** False for comments, which do not count as dropped events. */
  readonly counts: boolean;
  older: QueuedEvent | undefined;
  newer: QueuedEvent | undefined;
}

/**
 * The queue of one slow client, within the overflow limits. Made when a client first falls behind.
 *
 * With `'disconnect'`, events of one turn of the event loop are a burst: the client had no chance to read any of them. A
 * burst may exceed `maxBytes` once. Until the client has read it, later events may use `maxBytes` in addition.
 */
export class OverflowQueue implements Budgeted {
  private oldest: QueuedEvent | undefined;
  private newest: QueuedEvent | undefined;
  private byKey: Map<string, QueuedEvent> | undefined;
  private reported = 0;
  /** Set by `takeLast()`, when the response has taken over all queued text. */
  private unsentBytes: (() => number) | undefined;
  /** The number of bytes that were ever added. Positions in the queue, as in the fields below, are counted in it. */
  private added = 0;
  /** The turn of the newest event, and the position at which that turn began. */
  private turn = -1;
  private turnFrom = 0;
  /** The first and last position of the burst that has exceeded the limit. */
  private burstFrom = 0;
  private burstTo = 0;
  /** Memory in use. */
  bytes = 0;
  /** The number of dropped events. */
  dropped = 0;

  /** @param onEvicted called after this queue was emptied because the budget of the process is used up */
  constructor(
    private readonly limits: Required<OverflowOptions>,
    private readonly budget: OverflowBudget,
    private readonly onEvicted: () => void,
  ) {}

  /**
   * Adds an event. Returns a limit if the connection must be cut off because the event would exceed it. If the application's
   * `coalesce` throws, the error is rethrown and the event is not added.
   */
  add(block: string, event: SseEvent | undefined): OverflowLimit | undefined {
    const { policy } = this.limits;
    const key =
      typeof policy === 'object' && event
        ? immediate(policy.coalesce(event), 'overflow.policy.coalesce')
        : undefined;
    const counts = event === undefined || event.data !== undefined || event.raw !== undefined;
    const bytes = sizeOf(block, key);
    this.beginTurn();
    if (policy === 'disconnect') {
      const exceeded = this.limitExceededBy(bytes);
      if (exceeded) return exceeded;
    } else if (!this.makeRoom(bytes, key)) {
      if (counts) this.dropped++;
      return undefined;
    }
    this.push(block, bytes, key, counts);
    return undefined;
  }

  /** Adds a block that is exempt from the limits: the last event of a stream. */
  addUnlimited(block: string): void {
    this.beginTurn();
    this.push(block, sizeOf(block, undefined), undefined, true);
  }

  /** Removes events of about `atMost` characters and returns their joined text. */
  take(atMost: number): string {
    let text = '';
    while (this.oldest && text.length < atMost) text += this.remove(this.oldest).block;
    return text;
  }

  get empty(): boolean {
    return this.oldest === undefined;
  }

  /**
   * Removes all events for the end of the response, and returns their joined text. Its memory counts until `release()`,
   * because the response holds it.
   *
   * @param unsentBytes returns how many of these bytes the response still holds
   */
  takeLast(unsentBytes: () => number): string {
    let text = '';
    for (let entry = this.oldest; entry; entry = entry.newer) text += entry.block;
    this.clear();
    this.unsentBytes = unsentBytes;
    return text;
  }

  /** Drops all events and releases their memory. */
  release(): void {
    this.clear();
    this.unsentBytes = undefined;
    this.shrink(this.bytes);
  }

  /** @internal For the budget. */
  evict(): void {
    this.release();
    this.onEvicted();
  }

  /** @internal For the budget. */
  refresh(): void {
    if (this.unsentBytes) this.shrink(Math.max(0, this.bytes - this.unsentBytes()));
  }

  /** @internal For the budget. */
  bytesOfTurn(turn: number): number {
    return turn === this.turn ? Math.min(this.bytes, this.added - this.turnFrom) : 0;
  }

  /** The block that reports events dropped since the last report; empty if none were dropped. */
  report(): string {
    const { report } = this.limits;
    const dropped = this.dropped - this.reported;
    if (report === false || dropped === 0) return '';
    this.reported = this.dropped;
    return encodeEvent(makeEvent({ type: report.event ?? OVERFLOW_EVENT, data: { dropped } }));
  }

  /** The limit that one more event exceeds, if any. A burst is exempt: see the class. */
  private limitExceededBy(bytes: number): OverflowLimit | undefined {
    const inBurst = this.burstTo > this.turnFrom;
    if (!inBurst) {
      const burstLeft = Math.max(0, this.burstTo - Math.max(this.burstFrom, this.added - this.bytes));
      if (this.bytes - burstLeft + bytes <= this.limits.maxBytes) return undefined;
      if (burstLeft > 0) return 'overflow.maxBytes';
    }
    const end = this.added + bytes;
    if (end - this.turnFrom > this.budget.maxBurstBytes) return 'maxQueuedBytes';
    this.burstFrom = this.turnFrom;
    this.burstTo = end;
    return undefined;
  }

  /** Drops older events to make room for a new one. Returns `false` if the new one must be dropped instead. */
  private makeRoom(bytes: number, key: string | undefined): boolean {
    const { policy, maxBytes } = this.limits;
    if (bytes > maxBytes) return false;
    const older = key === undefined ? undefined : this.byKey?.get(key);
    if (older) this.drop(older);
    if (policy === 'drop-newest') return this.bytes + bytes <= maxBytes;
    while (this.bytes + bytes > maxBytes && this.oldest) this.drop(this.oldest);
    return true;
  }

  private beginTurn(): void {
    const { turn } = this.budget;
    if (turn === this.turn) return;
    this.turn = turn;
    this.turnFrom = this.added;
  }

  private push(block: string, bytes: number, key: string | undefined, counts: boolean): void {
    const entry: QueuedEvent = { block, bytes, key, counts, older: this.newest, newer: undefined };
    if (this.newest) this.newest.newer = entry;
    else this.oldest = entry;
    this.newest = entry;
    if (key !== undefined) (this.byKey ??= new Map()).set(key, entry);
    this.bytes += bytes;
    this.added += bytes;
    // Called last, because it may evict this queue.
    this.budget.grow(this, bytes);
  }

  private remove(entry: QueuedEvent): QueuedEvent {
    const { older, newer, key } = entry;
    if (older) older.newer = newer;
    else this.oldest = newer;
    if (newer) newer.older = older;
    else this.newest = older;
    if (key !== undefined && this.byKey?.get(key) === entry) this.byKey.delete(key);
    this.shrink(entry.bytes);
    return entry;
  }

  private drop(entry: QueuedEvent): void {
    this.remove(entry);
    if (entry.counts) this.dropped++;
  }

  private clear(): void {
    this.oldest = this.newest = this.byKey = undefined;
  }

  private shrink(bytes: number): void {
    this.bytes -= bytes;
    this.budget.shrink(this, bytes);
  }
}

/** The memory of an event. V8 stores a text with one byte per character if it can, and otherwise with two. */
function sizeOf(block: string, key: string | undefined): number {
  return EVENT_BYTES + sizeOfText(block) + (key === undefined ? 0 : KEY_BYTES + sizeOfText(key));
}

function sizeOfText(text: string): number {
  // For ASCII, both lengths are equal. For other text of one byte per character the result is twice the real size.
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}
