import type { OptionKind } from '../../checking/option-check.js';
import { kind } from '../../checking/option-kinds.js';
import type { ChannelEvent } from '../channel-event.js';

/**
 * Folds the events of a channel into a state. The library keeps the state in the log, together with the position that it includes.
 * A client that joins late gets the state and the events after it.
 *
 * All functions are synchronous, and depend on nothing but their arguments: several nodes must get the same state from the same
 * events.
 */
export interface Fold<State = unknown, T = unknown> {
  /** Tells apart several folds of one channel. Letters, digits, `.`, `_` and `-`, at most 64. @default 'fold' */
  readonly name?: string | undefined;
  /**
   * The version of the code. Change it when `step` or the form of the state changes. The library never uses the state of another
   * version. A whole number or a short text. @default 1
   */
  readonly version?: number | string | undefined;
  /** The state before the first event. Plain JSON data. */
  readonly initial: State;
  /**
   * Returns the state after one more event. It may change the given state and return it. It must not change the event. An error
   * stops the fold before this event, and is logged with `SSE_FOLD_FAILED`.
   */
  step(state: State, event: ChannelEvent<T>): State;
  /** Returns the state as events: a value, an event made by `event()`, or an iterable of them. `undefined` sends nothing. */
  toEvents(state: State): unknown;
  /**
   * The state is stored after this many events, and a second after the last one. A large state is stored less often, but after
   * four times as many events at the latest. The log must keep at least ten times as many. @default 100
   */
  readonly every?: number | undefined;
  /**
   * True if the fold may begin with the oldest event that is kept, although the channel has had others before. @default false:
   * subscribers get a gap event and what is kept, as without a fold
   */
  readonly partial?: boolean | undefined;
}

/** A fold of any state and any events. Its functions are only called with what they have returned, or with events of its channel. */
export type AnyFold = Omit<Fold, 'step' | 'toEvents'> & {
  step(state: never, event: never): unknown;
  toEvents(state: never): unknown;
};

/** The number of events after which a state is stored. */
export const DEFAULT_EVERY = 100;

/** The option kind of a fold. */
export const fold: OptionKind = {
  ...kind(isFold, 'a fold: { initial, step(state, event), toEvents(state) }'),
  instead: (value) =>
    typeof value === 'function' ? 'Call it, and pass the fold that it returns.' : undefined,
};

/** The name of a fold and its version, under which its states are stored. Neither can contain an `@`. */
export function foldKey({ name = 'fold', version = 1 }: Pick<Fold, 'name' | 'version'>): string {
  return `${name}@${version}`;
}

const WORD = /^[A-Za-z0-9._-]{1,64}$/;

function isFold(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('initial' in value)) return false;
  const { step, toEvents, name, version, every, partial } = value as Partial<Record<keyof Fold, unknown>>;
  return (
    typeof step === 'function' &&
    typeof toEvents === 'function' &&
    (name === undefined || (typeof name === 'string' && WORD.test(name))) &&
    (version === undefined || isVersion(version)) &&
    (every === undefined || (Number.isSafeInteger(every) && (every as number) > 0)) &&
    (partial === undefined || typeof partial === 'boolean')
  );
}

function isVersion(version: unknown): boolean {
  return typeof version === 'string' ? WORD.test(version) : Number.isSafeInteger(version);
}
