import { attempt, isLegible } from './legible.js';
import { quoted } from './sse.errors.js';

/** Maximum depth of nested errors to print. A cause chain can be circular. */
const DEPTH = 5;

/**
 * Formats an error for the log: its stack, its code, and its nested errors. Never throws, even if getters or proxy traps of the
 * error do.
 */
export function errorText(error: unknown, depth = 1): string {
  if (!isLegible(error)) return `an error that cannot be read: ${quoted(error)}`;
  return attempt(() => legibleText(error, depth), quoted(error));
}

/** The message of an error alone, or the value as text if it has none. Never throws. */
export function messageOf(error: unknown): string {
  const message = attempt<unknown>(() => (error instanceof Error ? error.message : undefined), undefined);
  return typeof message === 'string' ? message : quoted(error);
}

function legibleText(error: unknown, depth: number): string {
  if (!(error instanceof Error)) return quoted(error);
  const { code, errors, cause } = error as Error & { code?: unknown; errors?: unknown };
  const lines = [fullStack(error)];
  if (typeof code === 'string' || typeof code === 'number') lines.push(`  code: ${code}`);
  if (depth > DEPTH) return lines.join('\n');
  const nested = (label: string, other: unknown): void => {
    lines.push(`  ${label}: ${errorText(other, depth + 1).replaceAll('\n', '\n  ')}`);
  };
  // `errors` of AggregateError, and of the UnsubscriptionError of rxjs.
  if (Array.isArray(errors)) errors.forEach((one, i) => nested(`errors[${i}]`, one));
  if (cause !== undefined) nested('cause', cause);
  return lines.join('\n');
}

/**
 * The stack of an error, including its message. Errors of rxjs set their message after their stack was captured, so the stack
 * begins only with the word "Error".
 */
function fullStack({ name, message, stack }: Error): string {
  const head = message === '' ? name : `${name}: ${message}`;
  if (typeof stack !== 'string') return head;
  const frames = stack.search(/\n\s+at /);
  const top = frames === -1 || message.includes('\n') ? stack : stack.slice(0, frames);
  if (top.includes(message) && !isBare(stack, name)) return stack;
  return frames === -1 ? head : head + stack.slice(frames);
}

/** True if a stack begins only with the word "Error", although the error has another name. */
function isBare(stack: string, name: string): boolean {
  return name !== 'Error' && /^Error(?:\n|$)/.test(stack);
}

/**
 * Adds the route to the end of an error's stack, because the filters of the application and of Nest do not log the route. The
 * message is added if the stack lacks it. Nothing else about the error changes.
 */
export function markPlace(error: unknown, place: string): void {
  // The assignment throws for a frozen error, which stays unchanged.
  attempt(() => {
    if (!(error instanceof Error) || typeof error.stack !== 'string') return;
    const line = `\n    at ${place}`;
    // The same error object can be thrown more than once.
    if (!error.stack.includes(line)) error.stack = fullStack(error) + line;
  }, undefined);
}
