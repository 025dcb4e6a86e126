import { parseArgs } from 'node:util';

/** A command line that was read. */
export interface ListenCommand {
  readonly url: string;
  readonly method: string | undefined;
  /** The text of `--data`: the body itself, `@file`, or `-` for standard input. */
  readonly data: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly lastEventId: string | undefined;
  readonly json: boolean;
  readonly until: string | undefined;
  readonly reconnect: boolean;
}

/** A command line that cannot be run. Its message is for the person who typed it. */
export class UsageError extends Error {}

export const USAGE = `Usage: nestjs-event-stream listen <url> [options]

Prints the events of a stream as they arrive, and reconnects as EventSource does.

Options:
  -X, --method <method>       HTTP method. Default: GET, or POST with --data
  -d, --data <body>           request body; @<file> reads a file, - reads standard input
  -H, --header <name: value>  request header; can be repeated
      --last-event-id <id>    begin after this event
      --json                  print one line of JSON for each event: type, data, id
      --until <type>          exit after the first event of this type
      --no-reconnect          exit when the response ends or breaks off
  -h, --help                  print this text
  -v, --version               print the version

Exit status:
  0  the stream ended, or the event of --until arrived
  1  the request was rejected, or the connection failed and is not retried
  2  the command line is not valid
  3  the stream ended before the event of --until arrived
  130, 143  interrupted by Ctrl-C, or terminated
`;

const OPTIONS = {
  method: { type: 'string', short: 'X' },
  data: { type: 'string', short: 'd' },
  header: { type: 'string', short: 'H', multiple: true },
  'last-event-id': { type: 'string' },
  json: { type: 'boolean' },
  until: { type: 'string' },
  'no-reconnect': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/**
 * Reads a command line.
 *
 * @throws {UsageError} for an unknown command or option, and for a missing or superfluous argument
 */
export function readCommandLine(args: readonly string[]): ListenCommand | 'help' | 'version' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  if (values.version) return 'version';
  const [command, url, ...others] = positionals;
  if (command === undefined) throw new UsageError('A command is missing. Use "listen <url>".');
  if (command !== 'listen') throw new UsageError(`Unknown command "${command}". Use "listen <url>".`);
  if (url === undefined) throw new UsageError('A URL is missing. Use "listen <url>".');
  if (others.length > 0)
    throw new UsageError(`Unexpected argument "${others[0]}". Quote a URL that contains "&".`);
  return {
    url: /^[a-z][a-z\d+.-]*:\/\//i.test(url) ? url : `http://${url}`,
    method: values.method,
    data: values.data,
    headers: (values.header ?? []).map(headerOf),
    lastEventId: values['last-event-id'],
    json: values.json ?? false,
    until: values.until,
    reconnect: values['no-reconnect'] !== true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function headerOf(text: string): [string, string] {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new UsageError(`Invalid header "${text}". Use "Name: value".`);
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}
