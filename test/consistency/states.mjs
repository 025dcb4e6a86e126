const FOLDED = 'folded-';
const STATED = 'stated-';

/** The name of a channel whose late clients get the state of a fold. */
export function foldedName(number) {
  return `${FOLDED}${number}`;
}

/** The name of a channel whose late clients get what the application has stored. */
export function statedName(number) {
  return `${STATED}${number}`;
}

export function isFolded(name) {
  return name.startsWith(FOLDED);
}

export function isStated(name) {
  return name.startsWith(STATED);
}

/** Whether late clients of a channel get a state. */
export function hasState(name) {
  return isFolded(name) || isStated(name);
}

/** Events that the log keeps of such a channel: few, so that clients that were away need the state. */
export const STATE_KEEPS = 200;
