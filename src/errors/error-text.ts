import { attempt, isLegible } from './legible.js';
import { quoted } from './sse.errors.js';

/** Maximum depth of nested errors to print. A cause chain can be circular. */
const DEPTH = 5;

/**
 * An error as the log shows it: its stack, its code, and the errors behind it. Never throws, whatever getters and proxies
 * the error has.
 */
export function errorText(error: unknown, depth = 1): string {
  if (!isLegible(error)) return `an error that cannot be read: ${quoted(error)}`;
  return attempt(() => legibleText(error, depth), quoted(error));
}

function legibleText(error: unknown, depth: number): string {
  if (!(error instanceof Error)) return quoted(error);
  const { code, errors, cause } = error as Error & { code?: unknown; errors?: unknown };
  const lines = [fullStack(error)];
  if (typeof code === 'string' || typeof code === 'number') lines.push(`  code: ${code}`);
  if (depth > DEPTH) return lines.join('\n');
  const behind = (label: string, other: unknown): void => {
    lines.push(`  ${label}: ${errorText(other, depth + 1).replaceAll('\n', '\n  ')}`);
  };
  // Of AggregateError, and of the UnsubscriptionError of rxjs.
  if (Array.isArray(errors)) errors.forEach((one, i) => behind(`errors[${i}]`, one));
  if (cause !== undefined) behind('cause', cause);
  return lines.join('\n');
}

/**
 * The stack of an error, its message included. Errors of rxjs get their message after their stack was captured, which
 * begins with the bare word "Error".
 */
function fullStack({ name, message, stack }: Error): string {
  const head = message === '' ? name : `${name}: ${message}`;
  if (typeof stack !== 'string') return head;
  const frames = stack.search(/\n\s+at /);
  const top = frames === -1 || message.includes('\n') ? stack : stack.slice(0, frames);
  if (top.includes(message) && !isBare(stack, name)) return stack;
  return frames === -1 ? head : head + stack.slice(frames);
}

/** Whether a stack begins with the word "Error" alone, for an error of another name. */
function isBare(stack: string, name: string): boolean {
  return name !== 'Error' && /^Error(?:\n|$)/.test(stack);
}

/**
 * Adds the place where an error was thrown to the end of its stack: the filters of the application and of Nest do not know
 * the route. The message is added to a stack that lacks it. Everything else about the error stays as it was.
 */
export function markPlace(error: unknown, place: string): void {
  // Also a frozen error, whose assignment throws, stays as it is.
  attempt(() => {
    if (!(error instanceof Error) || typeof error.stack !== 'string') return;
    const line = `\n    at ${place}`;
    // The same error object may be thrown again and again.
    if (!error.stack.includes(line)) error.stack = fullStack(error) + line;
  }, undefined);
}
