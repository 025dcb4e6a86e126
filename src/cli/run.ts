import { readCommandLine, USAGE, UsageError } from './command-line.js';
import { EXIT, listen, type CommandStreams } from './listen.js';

/** Runs a command line and returns the exit status. Never rejects for anything that the user can cause. */
export async function run(
  args: readonly string[],
  version: string,
  streams: CommandStreams,
): Promise<number> {
  try {
    const command = readCommandLine(args);
    if (command === 'help') streams.stdout.write(USAGE);
    else if (command === 'version') streams.stdout.write(`${version}\n`);
    else return await listen(command, streams);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    streams.stderr.write(`${error.message}\nRun "nestjs-event-stream --help" for the options.\n`);
    return EXIT.usage;
  }
}
