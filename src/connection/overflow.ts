import { event as makeEvent, type SseEvent } from '../events/sse-event.js';
import { immediate } from '../errors/guard.js';
import { encodeEvent } from '../wire/encode-event.js';
import type { Budgeted, OverflowBudget } from './overflow-budget.js';
import type { OverflowOptions } from './slow-client.options.js';

/** Type of the event that tells of dropped ones. */
const OVERFLOW_EVENT = 'overflow';

/** The limit that one more event would break. */
export type OverflowLimit = 'overflow.maxBytes' | 'maxQueuedBytes';

// Measured with heap snapshots on Node 20: `Waiting` has 80 bytes, a string 16 besides its characters, both rounded up.
/** What a waiting event uses besides its text. */
const EVENT_BYTES = 128;
/** What a key uses besides its text: an entry of the map, which grows by doubling, and a string. */
const KEY_BYTES = 112;

/** One waiting event, in a list from the oldest to the newest. */
interface Waiting {
  readonly block: string;
  /** What it uses in memory. */
  readonly bytes: number;
  readonly key: string | undefined;
  /** Whether a client would miss it: it is more than a comment. */
  readonly counts: boolean;
  older: Waiting | undefined;
  newer: Waiting | undefined;
}

/** The events that wait for one slow client, within bounds. Made when a client first falls behind. */
export class OverflowQueue implements Budgeted {
  private oldest: Waiting | undefined;
  private newest: Waiting | undefined;
  private byKey: Map<string, Waiting> | undefined;
  private reported = 0;
  /** There once the response holds all that waited. */
  private unsentBytes: (() => number) | undefined;
  /** All bytes that were ever added: positions in the queue are counted in these. */
  private added = 0;
  /** The turn of the last event, and where that turn began. */
  private turn = -1;
  private turnFrom = 0;
  /** The burst that is not judged: from its first byte to its last. */
  private burstFrom = 0;
  private burstTo = 0;
  /** Bytes in use. */
  bytes = 0;
  /** Events that were given up so far. */
  dropped = 0;

  /** @param onEvicted called when the budget of the process is used up, and this queue was emptied for that */
  constructor(
    private readonly limits: Required<OverflowOptions>,
    private readonly budget: OverflowBudget,
    private readonly onEvicted: () => void,
  ) {}

  /**
   * Adds an event, or returns the limit because of which the connection has to go. What an application's `coalesce`
   * throws comes through, and the event is not added.
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
      const broken = this.brokenBy(bytes);
      if (broken) return broken;
    } else if (!this.makeRoom(bytes, key)) {
      if (counts) this.dropped++;
      return undefined;
    }
    this.push(block, bytes, key, counts);
    return undefined;
  }

  /** Adds what has to be said whatever waits: the last words of a stream. */
  addAnyway(block: string): void {
    this.beginTurn();
    this.push(block, sizeOf(block, undefined), undefined, true);
  }

  /** Takes waiting events of about `atMost` characters, joined; empty when nothing waits. */
  take(atMost: number): string {
    let text = '';
    while (this.oldest && text.length < atMost) text += this.shift(this.oldest).block;
    return text;
  }

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.oldest === undefined;
  }

  /**
   * Takes all that waits, for the end of the response. It counts until `release()`: the response then holds it.
   *
   * @param unsentBytes how much of it the response still holds
   */
  takeLast(unsentBytes: () => number): string {
    let text = '';
    for (let entry = this.oldest; entry; entry = entry.newer) text += entry.block;
    this.forget();
    this.unsentBytes = unsentBytes;
    return text;
  }

  /** Gives back what the queue uses. */
  release(): void {
    this.forget();
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

  /** What tells the client of events that were dropped since it was last told; empty if none were. */
  report(): string {
    const { report } = this.limits;
    const dropped = this.dropped - this.reported;
    if (report === false || dropped === 0) return '';
    this.reported = this.dropped;
    return encodeEvent(makeEvent({ type: report.event ?? OVERFLOW_EVENT, data: { dropped } }));
  }

  /** Whether an event is too much for a client that had the chance to read what waits; then the limit that says so. */
  private brokenBy(bytes: number): OverflowLimit | undefined {
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

  /** Lets older events go for a new one; `false` if that is to go itself. */
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
    const entry: Waiting = { block, bytes, key, counts, older: this.newest, newer: undefined };
    if (this.newest) this.newest.newer = entry;
    else this.oldest = entry;
    this.newest = entry;
    if (key !== undefined) (this.byKey ??= new Map()).set(key, entry);
    this.bytes += bytes;
    this.added += bytes;
    // Last, as it may evict this queue.
    this.budget.grow(this, bytes);
  }

  private shift(entry: Waiting): Waiting {
    const { older, newer, key } = entry;
    if (older) older.newer = newer;
    else this.oldest = newer;
    if (newer) newer.older = older;
    else this.newest = older;
    if (key !== undefined && this.byKey?.get(key) === entry) this.byKey.delete(key);
    this.shrink(entry.bytes);
    return entry;
  }

  private drop(entry: Waiting): void {
    this.shift(entry);
    if (entry.counts) this.dropped++;
  }

  private forget(): void {
    this.oldest = this.newest = this.byKey = undefined;
  }

  private shrink(bytes: number): void {
    this.bytes -= bytes;
    this.budget.shrink(this, bytes);
  }
}

/** What an event uses in memory. JavaScript keeps text in one byte a character where it can, and otherwise in two. */
function sizeOf(block: string, key: string | undefined): number {
  return EVENT_BYTES + sizeOfText(block) + (key === undefined ? 0 : KEY_BYTES + sizeOfText(key));
}

function sizeOfText(text: string): number {
  // For ASCII, both numbers are the same. Other text of one byte a character is taken for twice of what it uses.
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}
