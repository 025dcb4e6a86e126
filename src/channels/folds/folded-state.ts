import { immediate } from '../../errors/guard.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import type { LogPosition } from '../../log/cursor.js';
import type {
  Awaitable,
  EventLog,
  LogSlice,
  LogSnapshot,
  LogSnapshots,
  ReadLimit,
} from '../../log/event-log.js';
import type { LogEntry, Parse } from '../../log/log-entry.js';
import { toRecord, type LogRecord } from '../../log/log-record.js';
import type { Serialize } from '../../events/to-event.js';
import { chain } from '../snapshot/state-source.js';
import type { ChannelEvent } from '../channel-event.js';
import type { Fold } from './fold.js';
import { plainJson } from './plain-json.js';

/** The channel of a {@link FoldedState}. */
export interface FoldedChannel {
  readonly channel: string;
  /** The position before the first event. Without it, the log says whether the channel is whole. */
  readonly from?: LogPosition | undefined;
  /**
   * True for an event that ends the channel. Such an event is not part of the state. `undefined` while only the next event, which has
   * not arrived, can show it.
   */
  ends?(event: ChannelEvent, next: ChannelEvent | undefined): boolean | undefined;
}

/** The parts of a {@link FoldedState}. */
export interface FoldedStateInit extends FoldedChannel {
  readonly key: string;
  readonly fold: Fold;
  readonly log: EventLog;
  readonly store: LogSnapshots;
  readonly parse: Parse;
  readonly serialize: Serialize | undefined;
  /** An error of the fold itself. Called once for each event that cannot be folded. */
  failed(error: unknown): void;
}

const READ_LIMIT: ReadLimit = { events: 1000, bytes: 1_048_576 };

/** If entries are evicted while they are read, the fold begins again this many times. */
const MAX_ROUNDS = 3;

interface Round {
  left: number;
  /** The stored state was read in this round. */
  loaded: boolean;
}

/**
 * The state of one channel as far as this process has folded it. It continues from the stored state, or from the first event of
 * the channel. If neither is possible, because events are evicted that no state includes, there is no state.
 */
export class FoldedState {
  /** The position of the last event in the state. `undefined` while there is no state. */
  at: LogPosition | undefined;
  /** The position of the stored state that this one continues. */
  stored: LogPosition | undefined;
  /** The length of the stored state. */
  storedLength = 0;
  /** The number and the bytes of the events after the stored state. */
  count = 0;
  bytes = 0;
  /** The event after the state ends the channel. */
  ended = false;
  private state: unknown;
  /** The position of an event with which `step` has failed. */
  private failedAt: LogPosition | undefined;
  private running: Promise<boolean> | undefined;
  private folding = false;

  constructor(private readonly init: FoldedStateInit) {}

  /** True if the event after the state can never be folded. */
  private get stuck(): boolean {
    return this.at !== undefined && (this.failedAt !== undefined || this.ended);
  }

  /** Folds what the log has. Resolves to `false` if there is no state. Rejects with the error of the log. */
  catchUp(): Awaitable<boolean> {
    if (this.running) return this.running;
    // `step` of the application has called back.
    if (this.folding || this.stuck) return true;
    const round = { left: MAX_ROUNDS, loaded: false };
    const answer = this.at === undefined ? this.load(round) : this.forward(round);
    if (!(answer instanceof Promise)) return answer;
    this.running = answer.finally(() => (this.running = undefined));
    return this.running;
  }

  /** The state as JSON. @throws {TypeError} if it is not plain data. */
  toJson(): string {
    return plainJson(this.state);
  }

  /** The events of the state. They are encoded now, because the state can change before they are sent. */
  toRecords(): readonly LogRecord[] {
    const { fold, serialize } = this.init;
    const values = immediate(fold.toEvents(this.state), 'fold.toEvents');
    const isList = typeof values === 'object' && values !== null && Symbol.iterator in values;
    const list = isList ? [...(values as Iterable<unknown>)] : [values];
    return list.filter((value) => value !== undefined).map((value) => toRecord(value, serialize));
  }

  /** Forgets the state, but not the events that cannot be folded. */
  private forget(): void {
    this.at = this.state = this.stored = undefined;
    this.count = this.bytes = this.storedLength = 0;
  }

  private load(round: Round): Awaitable<boolean> {
    const { store, channel, key } = this.init;
    round.loaded = true;
    return chain(store.read(channel, key), (snapshot) => {
      this.forget();
      if (snapshot) this.adopt(snapshot);
      return this.forward(round);
    });
  }

  private adopt({ position, state }: LogSnapshot): void {
    this.stored = position;
    try {
      this.state = JSON.parse(state);
      this.at = position;
      this.storedLength = state.length;
    } catch {
      // Another program wrote it.
    }
  }

  private forward(round: Round): Awaitable<boolean> {
    const { log, channel, from } = this.init;
    for (;;) {
      const answer = log.read(channel, this.at ?? from, READ_LIMIT);
      if (answer instanceof Promise) {
        return answer.then((slice) => this.take(slice, round) ?? this.forward(round));
      }
      const done = this.take(answer, round);
      if (done !== undefined) return done;
    }
  }

  /** Folds a slice. `undefined` if there is more. */
  private take(slice: LogSlice, round: Round): Awaitable<boolean> | undefined {
    const { fold, from } = this.init;
    if (this.at === undefined) {
      const isWhole = from === undefined ? slice.whole === true : !slice.gap;
      if (!isWhole && fold.partial !== true) return false;
      this.state = JSON.parse(plainJson(fold.initial));
      this.at = slice.from;
    } else if (slice.gap) return this.again(round);
    this.folding = true;
    try {
      for (const [i, entry] of slice.entries.entries()) {
        const isFolded = this.step(entry, slice.entries[i + 1]);
        if (isFolded === undefined) return this.again(round);
        if (!isFolded) return true;
      }
    } finally {
      this.folding = false;
    }
    return slice.more && slice.entries.length > 0 ? undefined : true;
  }

  /** Begins from the stored state, or from the first event if that one does not help. */
  private again(round: Round): Awaitable<boolean> {
    if (--round.left === 0) {
      this.forget();
      return false;
    }
    if (!round.loaded) return this.load(round);
    const { stored } = this;
    this.forget();
    this.stored = stored;
    round.loaded = false;
    return this.forward(round);
  }

  /** Folds one entry. `false` if it is not part of the state, `undefined` if the state is not valid any more. */
  private step(entry: LogEntry, next: LogEntry | undefined): boolean | undefined {
    const { fold, parse, ends } = this.init;
    if (entry.position === this.failedAt) return false;
    const event = entry.toEvent(parse) as ChannelEvent;
    const isEnd = ends ? ends(event, next?.toEvent(parse) as ChannelEvent | undefined) : false;
    if (isEnd !== false) {
      this.ended = isEnd === true;
      return false;
    }
    try {
      const state = immediate(fold.step(this.state, event), 'fold.step');
      if (state === undefined) throw new TypeError('step() returned undefined');
      this.state = state;
    } catch (cause) {
      // The state may be half changed.
      this.failedAt = entry.position;
      this.init.failed(this.failure(entry, cause));
      return undefined;
    }
    this.at = entry.position;
    this.count++;
    this.bytes += entry.bytes;
    return true;
  }

  private failure({ id }: LogEntry, cause: unknown): SseError {
    const { channel, key } = this.init;
    return new SseError(
      'SSE_FOLD_FAILED',
      `step() of the fold ${quoted(key)} failed with the event ${quoted(id)} of the channel ${quoted(channel)}.`,
      {
        remedy:
          'The state stays as it was before this event. Fix step(), and give the fold another version if stored states are wrong.',
        context: { channel, fold: key, id },
        cause,
      },
    );
  }
}
