import { quoted } from './sse.errors.js';

/** So many errors are told of that stand behind one another; the chain may be a circle. */
const DEPTH = 5;

/** An error as the log shows it: its stack, its code, and the errors behind it. */
export function errorText(error: unknown, depth = 1): string {
  if (!(error instanceof Error)) return quoted(error);
  const { code } = error as { code?: unknown };
  const lines = [error.stack ?? error.message];
  if (typeof code === 'string' || typeof code === 'number') lines.push(`  code: ${code}`);
  if (depth > DEPTH) return lines.join('\n');
  const behind = (label: string, other: unknown): void => {
    lines.push(`  ${label}: ${errorText(other, depth + 1).replaceAll('\n', '\n  ')}`);
  };
  if (error instanceof AggregateError) error.errors.forEach((one, i) => behind(`errors[${i}]`, one));
  if (error.cause !== undefined) behind('cause', error.cause);
  return lines.join('\n');
}

/**
 * Adds the place where an error came out to the end of its stack, for whoever logs it: the application's filters and
 * Nest's own know no route. All else about the error stays as it was.
 */
export function markPlace(error: unknown, place: string): void {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return;
  const line = `\n    at ${place}`;
  // One error may be thrown again and again.
  if (error.stack.includes(line)) return;
  try {
    error.stack += line;
  } catch {
    // A frozen one stays as it is.
  }
}
