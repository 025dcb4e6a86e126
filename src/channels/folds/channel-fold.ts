import { SseError, isSseError, quoted } from '../../errors/sse.errors.js';
import type { LogPosition } from '../../log/cursor.js';
import type { Awaitable } from '../../log/event-log.js';
import type { LogRecord } from '../../log/log-record.js';
import type { Clock } from '../../time/clock.js';
import { ask } from '../ask.js';
import { chain } from '../snapshot/state-source.js';
import { DEFAULT_EVERY } from './fold.js';
import { FoldedState, type FoldedStateInit } from './folded-state.js';

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
/** A large state is stored after this many times `every` events at the latest. */
const MAX_FACTOR = 4;
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
export class ChannelFold {
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
  private storing: Promise<void> | undefined;
  private timer: unknown;
  private lingering: unknown;
  private publishedAt = 0;
  private hasReported = false;
  private events: FoldedEvents | undefined;
  private advancing = false;
  /** The channel has changed while the fold advanced. */
  private missed = false;

  constructor(private readonly init: ChannelFoldInit) {
    this.folded = new FoldedState(init);
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
      this.storeIfDue();
      if (this.folded.count >= this.every * MAX_FACTOR) await this.storing;
    } catch (error) {
      this.logFailed(error);
    }
  }

  /** Stores what is not stored yet, and stops. */
  async close(): Promise<void> {
    const { clock } = this.init;
    clock.cancel(this.lingering);
    this.stop();
    await this.storing;
  }

  private release(): void {
    if (--this.holders > 0) return;
    this.stop();
    this.init.idle();
  }

  private stop(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    if (this.leads && this.folded.count > 0) this.store();
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
        if (position === undefined || position === this.seen) return this.lead(position);
        // At the first check it is not known whether a node has stored it that still lives.
        if (this.seen === undefined) this.changes++;
        this.seen = position;
        if (this.changes > 0) this.later(CHECK_MS);
      },
      (error: unknown) => {
        this.checking = false;
        this.logFailed(error);
      },
    );
  }

  /** Leads, and replaces the stored state at this position. */
  private lead(stored?: LogPosition): void {
    if (this.holders === 0) return;
    this.leads = true;
    this.seen = stored ?? '';
    if (this.folded.at !== undefined) this.folded.stored = stored;
    this.advance();
  }

  private advance(): void {
    if (this.folded.stuck) return;
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
        this.logFailed(error);
      },
    );
  }

  private advanced(found: boolean): void {
    const { missed } = this;
    this.advancing = this.missed = false;
    if (!this.leads) return;
    if (missed && found) this.advance();
    if (found) return this.storeIfDue();
    // Events are gone that no state includes. It is tried again later: the channel may begin anew.
    this.leads = false;
    this.seen = '';
  }

  private storeIfDue(): void {
    const { count, bytes, storedLength, ended } = this.folded;
    if (!this.leads || count === 0) return;
    const isLarge = bytes * MAX_FACTOR < storedLength && count < this.every * MAX_FACTOR;
    if (ended || (count >= this.every && !isLarge)) this.store();
    else this.later(STORE_MS);
  }

  private store(): void {
    const { store, channel, key } = this.init;
    const { folded } = this;
    if (this.storing || folded.at === undefined) return;
    const { at: position, stored, count, bytes } = folded;
    let state: string;
    try {
      state = folded.toJson();
    } catch (cause) {
      folded.count = folded.bytes = 0;
      return this.report(notPlain(channel, key, cause));
    }
    folded.count = folded.bytes = 0;
    const settled = (isStored: boolean): void => {
      if (folded.stored !== stored) return;
      if (isStored) {
        folded.stored = position;
        folded.storedLength = state.length;
        this.hasReported = false;
      } else this.yield();
    };
    const answer = ask(() => store.write(channel, key, { position, state }, stored));
    if (!(answer instanceof Promise)) return settled(answer);
    this.storing = answer.then(
      (isStored) => {
        this.storing = undefined;
        settled(isStored);
        this.storeIfDue();
      },
      (error: unknown) => {
        this.storing = undefined;
        this.logFailed(error);
        // A state that the log refuses is stored again after some more events.
        if (!isSseError(error, 'SSE_LOG_UNAVAILABLE') || folded.stored !== stored) return;
        folded.count += count;
        folded.bytes += bytes;
        this.later(STORE_MS);
      },
    );
  }

  /** Another node has stored a state. */
  private yield(): void {
    this.leads = false;
    this.seen = '';
  }

  private later(ms: number): void {
    this.timer ??= this.init.clock.schedule(() => {
      this.timer = undefined;
      if (this.leads && this.folded.count > 0) this.store();
      else if (!this.leads && this.changes > 0) this.check();
    }, ms);
  }

  /** Ignores an outage, because the log calls the listener afterwards. */
  private logFailed(error: unknown): void {
    if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) this.report(error);
  }

  /** Reports an error once, until a state is stored again. */
  private report(error: unknown): void {
    if (this.hasReported) return;
    this.hasReported = true;
    this.init.failed(error as SseError);
  }
}

function notPlain(channel: string, fold: string, cause: unknown): SseError {
  return new SseError(
    'SSE_NOT_SERIALIZABLE',
    `The state of the fold ${quoted(fold)} for the channel ${quoted(channel)} cannot be stored: ` +
      `${cause instanceof Error ? cause.message : quoted(cause)}.`,
    { remedy: 'Use plain JSON data in the state.', context: { channel, fold }, cause },
  );
}
