/**
 * Which of two ids that a publisher gave comes first: below 0 for `a`, above 0 for `b`, 0 if they are equal. Ids of
 * digits compare as whole numbers, ids of one length by their characters (ULIDs, timestamps); `undefined` for others,
 * which have no order.
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
