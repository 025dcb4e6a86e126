import { event as makeEvent, type SseEvent } from '../events/sse-event.js';
import { encodeEvent } from '../wire/encode-event.js';

/** What happens to events of a push source that a client is too slow for. */
export type OverflowPolicy =
  'disconnect' | 'drop-oldest' | 'drop-newest' | { coalesce: (event: SseEvent) => string | undefined };

/** How much may wait for a client that is behind, and what happens beyond it. */
export interface OverflowOptions {
  /** Bytes that may wait for one client; every event counts for at least 16. @default 1_048_576 */
  maxBytes?: number;
  /**
   * What gives way: the connection, the oldest waiting events, the newest, or (`coalesce`) any waiting event with
   * the same key as a newer one; where that is not enough, the oldest. @default 'disconnect'
   */
  policy?: OverflowPolicy;
  /**
   * Tells a client that has caught up how many events it missed, in an event of this type (`overflow` if none is
   * given) with `{"dropped":3}`. @default false
   */
  report?: false | { event?: string };
}

/** Type of the event that tells of dropped ones. */
const OVERFLOW_EVENT = 'overflow';

/** The default of {@link OverflowOptions}. */
export const OVERFLOW_DEFAULTS: Required<OverflowOptions> = {
  maxBytes: 1_048_576,
  policy: 'disconnect',
  report: false,
};

/** An event counts for at least as much: an empty one takes memory too. */
const MIN_EVENT_BYTES = 16;

interface Waiting {
  readonly block: string;
  readonly bytes: number;
  readonly key: string | undefined;
  /** Whether a client would miss it: it is more than a comment. */
  readonly counts: boolean;
}

/** The events that wait for one slow client, within bounds. Made when a client first falls behind. */
export class OverflowQueue {
  private readonly entries = new Set<Waiting>();
  // Goes on with what is added later, and does not pass over again what was taken.
  private order = this.entries.values();
  private byKey: Map<string, Waiting> | undefined;
  private reported = 0;
  /** Bytes that wait. */
  bytes = 0;
  /** Events that were given up so far. */
  dropped = 0;

  constructor(private readonly limits: Required<OverflowOptions>) {}

  /**
   * Adds an event; `false` means that the connection has to go. What an application's `coalesce` throws comes through,
   * and the event is not added.
   */
  add(block: string, event: SseEvent | undefined): boolean {
    const { policy, maxBytes } = this.limits;
    const key = typeof policy === 'object' && event ? policy.coalesce(event) : undefined;
    const counts = event === undefined || event.data !== undefined || event.raw !== undefined;
    const entry: Waiting = { block, bytes: size(block), key, counts };
    if (policy === 'disconnect') {
      if (this.bytes + entry.bytes > maxBytes) return false;
    } else if (!this.makeRoom(entry)) {
      this.drop(entry);
      return true;
    }
    this.push(entry);
    return true;
  }

  /** Adds what has to be said whatever waits: the last words of a stream. */
  addAnyway(block: string): void {
    this.push({ block, bytes: size(block), key: undefined, counts: true });
  }

  /** Takes waiting events of about `atMost` characters, joined; empty when nothing waits. */
  take(atMost: number): string {
    let text = '';
    while (this.bytes > 0 && text.length < atMost) text += this.shift()?.block ?? '';
    return text;
  }

  /** What tells the client of events that were dropped since it was last told; empty if none were. */
  report(): string {
    const { report } = this.limits;
    const dropped = this.dropped - this.reported;
    if (report === false || dropped === 0) return '';
    this.reported = this.dropped;
    return encodeEvent(makeEvent({ type: report.event ?? OVERFLOW_EVENT, data: { dropped } }));
  }

  /** Lets older events go for a new one; `false` if that is to go itself. */
  private makeRoom({ bytes, key }: Waiting): boolean {
    const { policy, maxBytes } = this.limits;
    if (bytes > maxBytes) return false;
    const older = key === undefined ? undefined : this.byKey?.get(key);
    if (older) {
      this.remove(older);
      this.drop(older);
    }
    if (policy === 'drop-newest') return this.bytes + bytes <= maxBytes;
    while (this.bytes + bytes > maxBytes) this.drop(this.shift());
    return true;
  }

  private push(entry: Waiting): void {
    this.entries.add(entry);
    this.bytes += entry.bytes;
    if (entry.key !== undefined) (this.byKey ??= new Map()).set(entry.key, entry);
  }

  private shift(): Waiting | undefined {
    let step = this.order.next();
    if (step.done) {
      this.order = this.entries.values();
      step = this.order.next();
    }
    if (step.value) this.remove(step.value);
    return step.value;
  }

  private remove(entry: Waiting): void {
    this.entries.delete(entry);
    this.bytes -= entry.bytes;
    if (entry.key !== undefined) this.byKey?.delete(entry.key);
  }

  private drop(entry: Waiting | undefined): void {
    if (entry?.counts) this.dropped++;
  }
}

function size(block: string): number {
  return Math.max(MIN_EVENT_BYTES, Buffer.byteLength(block));
}
