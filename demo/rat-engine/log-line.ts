const STEPS = [
  'INFO request served in 12 ms',
  'DEBUG cache hit',
  'INFO job picked up',
  'WARN retrying after a timeout',
  'INFO job done',
] as const;

/** The nth line that an imaginary service writes. */
export function logLine(number: number): string {
  return `${new Date().toISOString()} ${STEPS[number % STEPS.length]} #${number}`;
}
