/** The time as Python's `time.time()` tells it: seconds since 1970, with a fraction. */
export function unixSeconds(): number {
  return Date.now() / 1000;
}
