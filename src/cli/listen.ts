import { readFile } from 'node:fs/promises';
import { connect } from '../client/connect.js';
import type { ConnectOptions, RetryNotice } from '../client/client.options.js';
import { isSseError } from '../errors/sse.errors.js';
import { UsageError, type ListenCommand } from './command-line.js';
import { printEvent, printNote, type PrintStyle } from './print-event.js';

/** The streams of the process, and the signal that ends the command. */
export interface CommandStreams {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborts when the process is interrupted, or when nobody reads its output any more. */
  readonly signal: AbortSignal;
}

/** The part of a readable stream that we use. */
export interface Input extends AsyncIterable<Uint8Array | string> {
  destroy?(): unknown;
}

/** The part of a writable stream that we use. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string, written?: () => void): boolean;
}

/** Exit statuses, as the usage text lists them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, endedEarly: 3 } as const;

/**
 * Prints the events of a stream until it ends, and returns the exit status.
 *
 * @throws {UsageError} for an invalid URL, method or header, and for a file that cannot be read
 */
export async function listen(command: ListenCommand, streams: CommandStreams): Promise<number> {
  const { stdout, stderr, signal } = streams;
  const style: PrintStyle = { json: command.json, ...styleOf(stdout) };
  const note = (text: string): void => void stderr.write(printNote(text, styleOf(stderr)));
  try {
    const options = await connectOptions(command, streams, note);
    for await (const event of connect(command.url, options)) {
      if (!stdout.write(printEvent(event, style))) await drained(stdout, signal);
      if (event.type === command.until) return EXIT.ok;
    }
  } catch (error) {
    if (signal.aborted) return EXIT.ok;
    if (isSseError(error, 'SSE_INVALID_OPTIONS') || isSseError(error, 'SSE_INVALID_FIELD')) {
      throw new UsageError(error.message);
    }
    if (error instanceof UsageError) throw error;
    note((error as Error).message);
    return EXIT.failed;
  }
  if (command.until === undefined) return EXIT.ok;
  note(`The stream ended before an event "${command.until}" arrived.`);
  return EXIT.endedEarly;
}

async function connectOptions(
  command: ListenCommand,
  { stdin, signal }: CommandStreams,
  note: (text: string) => void,
): Promise<ConnectOptions> {
  const { method, data, lastEventId, reconnect } = command;
  const body = data === undefined ? undefined : await readBody(data, stdin, signal);
  const headers = new Map(
    command.headers.map(([name, value]) => [name.toLowerCase(), [name, value] as const]),
  );
  if (body !== undefined && !headers.has('content-type') && isJson(body)) {
    headers.set('content-type', ['Content-Type', 'application/json']);
  }
  return {
    ...(method !== undefined && { method }),
    ...(body !== undefined && { body }),
    ...(lastEventId !== undefined && { after: lastEventId }),
    ...(!reconnect && { retry: false }),
    headers: [...headers.values()].map(([name, value]) => [name, value]),
    signal,
    onRetry: (notice) => note(retryText(notice)),
  };
}

function retryText({ delayMs, error }: RetryNotice): string {
  const seconds = `${(delayMs / 1000).toFixed(1)} s`;
  if (error === undefined) return `The response ended. Reconnecting in ${seconds}.`;
  return `${messageOf(error)} Reconnecting in ${seconds}.`;
}

function messageOf(error: unknown): string {
  const { message, cause } = error as { message: string; cause?: { message?: string; code?: string } };
  const reason = cause?.message || cause?.code;
  return (reason === undefined ? message : `${message}: ${reason}`).replace(/[.\s]*$/, '.');
}

async function readBody(data: string, stdin: Input, signal: AbortSignal): Promise<string> {
  if (data === '-') return readAll(stdin, signal);
  if (!data.startsWith('@')) return data;
  try {
    return await readFile(data.slice(1), 'utf8');
  } catch (error) {
    throw new UsageError(`--data ${data}: ${(error as Error).message}`);
  }
}

/** Reads standard input to its end. Rejects with the reason of the signal, also while it waits for the next bytes. */
async function readAll(stdin: Input, signal: AbortSignal): Promise<string> {
  const chunks = stdin[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  let text = '';
  let aborted: () => void = () => undefined;
  const interrupted = new Promise<never>((_resolve, reject) => {
    aborted = () => reject(signal.reason as Error);
    signal.addEventListener('abort', aborted);
  });
  try {
    signal.throwIfAborted();
    for (;;) {
      const { done, value } = await Promise.race([chunks.next(), interrupted]);
      if (done === true) return text + decoder.decode();
      text += typeof value === 'string' ? value : decoder.decode(value, { stream: true });
    }
  } catch (error) {
    // An open stream would keep the process alive. Its return() waits for a pending read, so it is not awaited.
    stdin.destroy?.();
    void Promise.resolve(chunks.return?.()).catch(() => undefined);
    throw error;
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Without colors, a terminal still interprets control characters. */
function styleOf(output: Output): Pick<PrintStyle, 'terminal' | 'colors'> {
  const colors = colored(output);
  return { terminal: colors || output.isTTY === true, colors };
}

/** See https://no-color.org and https://force-color.org: a variable that is set and not empty. */
function colored({ isTTY = false }: Output): boolean {
  if (process.env['NO_COLOR']) return false;
  return isTTY || Boolean(process.env['FORCE_COLOR']);
}

function drained(output: Output, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    // An empty write is called back when everything before it is written.
    output.write('', done);
  });
}
