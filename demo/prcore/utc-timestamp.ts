/** Time since 1970 in milliseconds, with microseconds as the fraction. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Formats a time as PrCore does: UTC with microseconds and without a zone, `2023-03-05 06:04:54.698763`. */
export function utcTimestamp(ms: number): string {
  const micros = Math.floor(ms * 1000);
  const seconds = new Date(micros / 1000).toISOString().slice(0, 19).replace('T', ' ');
  return `${seconds}.${String(micros % 1_000_000).padStart(6, '0')}`;
}
