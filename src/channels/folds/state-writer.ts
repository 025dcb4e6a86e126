import { messageOf } from '../../errors/error-text.js';
import { SseError, isSseError, quoted } from '../../errors/sse.errors.js';
import { ask } from '../ask.js';
import { DEFAULT_EVERY } from './fold.js';
import type { FoldedState, FoldedStateInit } from './folded-state.js';

/** A large state is stored after this many times `every` events at the latest. */
const MAX_FACTOR = 4;

/** The node that stores the states. */
export interface StateOwner {
  /** A state is stored, or could not be stored, and the next one may be. */
  storable(): void;
  /** The log was unavailable. The events of the state count again as not stored. */
  storeLater(): void;
  /** Another node has stored a state. */
  yield(): void;
}

/** Stores the states of one fold, one at a time, and reports what fails. */
export class StateWriter {
  private readonly every: number;
  private storing: Promise<void> | undefined;
  /** An error was reported, and no state is stored since then. */
  private hasReported = false;

  constructor(
    private readonly init: FoldedStateInit,
    private readonly folded: FoldedState,
    private readonly owner: StateOwner,
  ) {
    this.every = init.fold.every ?? DEFAULT_EVERY;
  }

  /** True if the state must be stored now. A large state is stored less often. */
  get isDue(): boolean {
    const { count, bytes, storedLength, ended } = this.folded;
    const isLarge = bytes * MAX_FACTOR < storedLength && count < this.every * MAX_FACTOR;
    return ended || (count >= this.every && !isLarge);
  }

  /** True if publishers must wait, because too many events are not stored. */
  get isBehind(): boolean {
    return this.folded.count >= this.every * MAX_FACTOR;
  }

  /** Resolves when the state that is being stored is stored, or has failed. Never rejects. */
  async settled(): Promise<void> {
    await this.storing;
  }

  /** Stores the state in the place of the one that it continues. Does nothing while one is being stored. */
  write(): void {
    const { store, channel, key } = this.init;
    const { folded } = this;
    if (this.storing || folded.at === undefined) return;
    const { at: position, stored, count, bytes } = folded;
    folded.count = folded.bytes = 0;
    let state: string;
    try {
      state = folded.toJson();
    } catch (cause) {
      return this.report(notPlain(channel, key, cause));
    }
    const settled = (isStored: boolean): void => {
      if (folded.stored !== stored) return;
      if (!isStored) return this.owner.yield();
      folded.stored = position;
      folded.storedLength = state.length;
      this.hasReported = false;
    };
    const answer = ask(() => store.write(channel, key, { position, state }, stored));
    if (!(answer instanceof Promise)) return settled(answer);
    this.storing = answer.then(
      (isStored) => {
        this.storing = undefined;
        settled(isStored);
        this.owner.storable();
      },
      (error: unknown) => {
        this.storing = undefined;
        this.failed(error);
        // A state that the log refuses is stored again after some more events.
        if (!isSseError(error, 'SSE_LOG_UNAVAILABLE') || folded.stored !== stored) return;
        folded.count += count;
        folded.bytes += bytes;
        this.owner.storeLater();
      },
    );
  }

  /** Reports an error of the log. Ignores an outage, because the log calls its listeners afterwards. */
  failed(error: unknown): void {
    if (!isSseError(error, 'SSE_LOG_UNAVAILABLE')) this.report(error);
  }

  private report(error: unknown): void {
    if (this.hasReported) return;
    this.hasReported = true;
    this.init.failed(error);
  }
}

function notPlain(channel: string, fold: string, cause: unknown): SseError {
  return new SseError(
    'SSE_NOT_SERIALIZABLE',
    `The state of the fold ${quoted(fold)} for the channel ${quoted(channel)} cannot be stored: ` +
      `${messageOf(cause)}.`,
    { remedy: 'Use plain JSON data in the state.', context: { channel, fold }, cause },
  );
}
