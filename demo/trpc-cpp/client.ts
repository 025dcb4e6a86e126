import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connect } from 'nestjs-event-stream/client';

/** Prints each event of a stream, and a line at its end. It does not retry. @throws the errors of `connect`. */
export async function printEvents(url: string, print: (line: string) => void): Promise<void> {
  for await (const { id, type, data } of connect(url, { retry: false })) {
    print(`Received SSE event - id: ${id ?? ''}, event: ${type}, data: ${data}`);
  }
  print('SSE stream finished');
}

/** The URL to read: the first argument, or the test stream of the demo at `DEMO_URL`. */
export function streamUrl(
  argument: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return argument ?? `${(env.DEMO_URL ?? 'http://127.0.0.1:3000').replace(/\/+$/, '')}/sse/test`;
}

/** Runs the program. Returns the exit code: 0 if the stream finished, otherwise 1 after one line with the reason. */
export async function main(url: string, console: Pick<Console, 'log' | 'error'>): Promise<number> {
  try {
    await printEvents(url, (line) => console.log(line));
    return 0;
  } catch (error) {
    console.error(`SSE stream failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

const [, program, argument] = process.argv;
if (program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(streamUrl(argument, process.env), console);
}
