/** Microseconds on CLOCK_MONOTONIC, which all processes of a machine share. */
export function nowMicros() {
  return Number(process.hrtime.bigint() / 1000n);
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Settles when the event loop has turned. */
export function nextTurn() {
  return new Promise((resolve) => setImmediate(resolve));
}
