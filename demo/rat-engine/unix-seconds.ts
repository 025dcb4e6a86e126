/** The time in the format of Python's `time.time()`: seconds since 1970, with a fraction. */
export function unixSeconds(): number {
  return Date.now() / 1000;
}
