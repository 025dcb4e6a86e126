/**
 * Compares two ids of a publisher: negative if `a` comes first, positive if `b` does, 0 if they are equal. Ids of digits are
 * compared as whole numbers, and ids of equal length by their characters (ULIDs, timestamps). Other ids are not comparable,
 * and the result is `undefined`.
 */
export function compareEventIds(a: string, b: string): number | undefined {
  if (DIGITS.test(a) && DIGITS.test(b)) {
    const left = a.replace(LEADING_ZEROS, '');
    const right = b.replace(LEADING_ZEROS, '');
    return left.length - right.length || order(left, right);
  }
  return a.length === b.length ? order(a, b) : undefined;
}

const DIGITS = /^\d+$/;
const LEADING_ZEROS = /^0+(?=\d)/;

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
