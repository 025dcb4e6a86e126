import type { LogPosition } from '../../log/cursor.js';
import type { Awaitable } from '../../log/event-log.js';
import type { LogRecord } from '../../log/log-record.js';
import type { Clock } from '../../time/clock.js';
import { ask } from '../ask.js';
import { chain } from '../snapshot/state-source.js';
import { DEFAULT_EVERY } from './fold.js';
import { FoldedState, type FoldedStateInit } from './folded-state.js';
import { StateWriter, type StateOwner } from './state-writer.js';

/** The parts of a {@link ChannelFold}. */
export interface ChannelFoldInit extends FoldedStateInit {
  readonly clock: Clock;
  /** Called when nobody holds the fold any more. */
  idle(): void;
}

/** The events of a state. */
export interface FoldedEvents {
  readonly at: LogPosition;
  readonly records: readonly LogRecord[];
}

/** An event is in the stored state after this time at the latest, if its node lives. */
const STORE_MS = 1000;
/** A node that does not lead checks after this time whether another one does. */
const CHECK_MS = 3000;
/** A fold is held this long after a publish. */
const LINGER_MS = 10_000;

/**
 * The fold of one channel in one process.
 *
 * One node leads: it follows the channel, folds each event, and stores the state. The others only count how often the channel
 * changes. After enough changes, or enough time, they look whether the stored state has moved. If it has not, they lead. A store
 * names the state that it replaces, so of two leaders one fails and stops leading. Which node leads never affects a state: all
 * get the same one from the same events.
 */
export class ChannelFold implements StateOwner {
  readonly folded: FoldedState;
  private readonly every: number;
  private holders = 0;
  private unwatch: (() => void) | undefined;
  private leads = false;
  /** The changes of the channel since the last check. */
  private changes = 0;
  private checking = false;
  /** The position of the stored state at the last check. */
  private seen: LogPosition | undefined;
  private readonly writer: StateWriter;
  private timer: unknown;
  private lingering: unknown;
  private publishedAt = 0;
  private events: FoldedEvents | undefined;
  private advancing = false;
  /** The channel has changed while the fold advanced. */
  private missed = false;

  constructor(private readonly init: ChannelFoldInit) {
    this.folded = new FoldedState(init);
    this.writer = new StateWriter(init, this.folded, this);
    this.every = init.fold.every ?? DEFAULT_EVERY;
  }

  get held(): boolean {
    return this.holders > 0;
  }

  /** The events of the state and its position. `undefined` if there is no state. */
  state(): Awaitable<FoldedEvents | undefined> {
    return chain(this.folded.catchUp(), (found) => {
      const { at } = this.folded;
      if (!found || at === undefined) return undefined;
      // Clients that reconnect at the same time share them.
      if (this.events?.at !== at) this.events = { at, records: this.folded.toRecords() };
      return this.events;
    });
  }

  /** Keeps the state up to date until the returned function is called. `lead`: no other node will lead. */
  hold(lead = false): () => void {
    const { log, channel } = this.init;
    this.holders++;
    if (!this.unwatch) {
      this.unwatch = log.watch([channel], () => this.changed());
      if (!lead) this.check();
    }
    if (lead) this.lead();
    let held = true;
    return () => {
      if (held) this.release();
      held = false;
    };
  }

  /** Something is published to the channel in this process. */
  published(): void {
    const { clock } = this.init;
    this.publishedAt = clock.now();
    if (this.lingering !== undefined) return;
    const release = this.hold();
    const check = (): void => {
      const leftMs = this.publishedAt + LINGER_MS - clock.now();
      this.lingering = leftMs > 0 ? clock.schedule(check, leftMs) : undefined;
      if (this.lingering === undefined) release();
    };
    this.lingering = clock.schedule(check, LINGER_MS);
  }

  /** Resolves when the fold is not far behind. Never rejects. */
  async settle(): Promise<void> {
    try {
      await this.folded.catchUp();
      this.storable();
      if (this.writer.isBehind) await this.writer.settled();
    } catch (error) {
      this.writer.failed(error);
    }
  }

  /** Stores what is not stored yet, and stops. */
  async close(): Promise<void> {
    const { clock } = this.init;
    clock.cancel(this.lingering);
    this.stop();
    await this.writer.settled();
  }

  private release(): void {
    if (--this.holders > 0) return;
    this.stop();
    this.init.idle();
  }

  private stop(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    if (this.leads && this.folded.count > 0) this.writer.write();
    this.leads = false;
    this.seen = undefined;
    this.changes = 0;
    this.init.clock.cancel(this.timer);
    this.timer = undefined;
  }

  /** The log calls this after appends. */
  private changed(): void {
    if (this.leads) return this.advance();
    this.changes++;
    if (this.seen === undefined || this.changes >= this.every * 2) this.check();
    else this.later(CHECK_MS);
  }

  /** Leads if nobody else does. */
  private check(): void {
    const { store, channel, key } = this.init;
    if (this.checking || this.holders === 0) return;
    this.changes = 0;
    const answer = ask(() => store.position(channel, key));
    // A log that answers at once belongs to this process alone.
    if (!(answer instanceof Promise)) return this.lead(answer);
    this.checking = true;
    answer.then(
      (position) => {
        this.checking = false;
        // It took the lead meanwhile, and may have stored a newer state.
        if (this.leads) return;
        if (position === undefined || position === this.seen) return this.lead(position);
        // At the first check it is not known whether a node has stored it that still lives.
        if (this.seen === undefined) this.changes++;
        this.seen = position;
        if (this.changes > 0) this.later(CHECK_MS);
      },
      (error: unknown) => {
        this.checking = false;
        this.writer.failed(error);
      },
    );
  }

  /** Leads, and replaces the stored state at this position. */
  private lead(stored?: LogPosition): void {
    if (this.holders === 0) return;
    this.leads = true;
    if (this.folded.at !== undefined) this.folded.stored = stored;
    this.advance();
  }

  private advance(): void {
    // Its last read may have been before the last append.
    if (this.advancing) {
      this.missed = true;
      return;
    }
    const answer = ask(() => this.folded.catchUp());
    if (!(answer instanceof Promise)) return this.advanced(answer);
    this.advancing = true;
    this.missed = false;
    answer.then(
      (found) => this.advanced(found),
      (error: unknown) => {
        this.advancing = false;
        this.writer.failed(error);
      },
    );
  }

  private advanced(found: boolean): void {
    const { missed } = this;
    this.advancing = this.missed = false;
    if (!this.leads) return;
    if (missed && found) this.advance();
    if (found) return this.storable();
    // Events are gone that no state includes. It is tried again later: the channel may begin anew.
    this.leads = false;
    this.seen = '';
  }

  storable(): void {
    if (!this.leads || this.folded.count === 0) return;
    if (this.writer.isDue) this.writer.write();
    else this.storeLater();
  }

  storeLater(): void {
    this.later(STORE_MS);
  }

  yield(): void {
    this.leads = false;
    this.seen = '';
  }

  private later(ms: number): void {
    this.timer ??= this.init.clock.schedule(() => {
      this.timer = undefined;
      if (this.leads && this.folded.count > 0) this.writer.write();
      else if (!this.leads && this.changes > 0) this.check();
    }, ms);
  }
}
