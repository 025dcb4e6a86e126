import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios/catalogue.mjs';
import { SERVERS } from './servers/catalogue.mjs';

const USAGE = `npm run bench -- [scenario…] [options]

  --rounds N       rounds, in each of which every server has its turn (default 3)
  --servers a,b    only these servers; ratios need the ones that they are compared with
  --json FILE      writes the rows
  --plots FOLDER   draws the plots
  --plots-of FILE  draws them from rows that --json wrote, and measures nothing
  --quick          one round, short: shows that everything works, not how fast
  --prof           writes profiles of the servers to .tmp/profiles and prints what is on top

Scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
Servers: ${Object.keys(SERVERS).join(', ')}`;

/** Parses the arguments. Prints the usage and ends the process if they are invalid. */
export function readCommandLine(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        servers: { type: 'string' },
        json: { type: 'string' },
        plots: { type: 'string' },
        'plots-of': { type: 'string' },
        quick: { type: 'boolean', default: false },
        prof: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) exitWithUsage(0);
    return {
      scenarios: chosen(
        positionals,
        SCENARIOS.map(({ name }) => name),
        'scenario',
      ),
      servers: chosen(values.servers?.split(',') ?? [], Object.keys(SERVERS), 'server'),
      rounds: wholeNumber(values.rounds ?? (values.quick || values.prof ? '1' : '3')),
      json: values.json,
      plots: values.plots,
      plotsOf: values['plots-of'],
      quick: values.quick,
      profiles: values.prof ? '.tmp/profiles' : undefined,
    };
  } catch (error) {
    console.error(`${error.message}\n`);
    return exitWithUsage(2);
  }
}

function chosen(names, known, what) {
  for (const name of names) if (!known.includes(name)) throw new Error(`There is no ${what} "${name}".`);
  return names.length > 0 ? known.filter((name) => names.includes(name)) : known;
}

function wholeNumber(text) {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--rounds takes a whole number, 1 or more, not "${text}".`);
}

function exitWithUsage(code) {
  (code === 0 ? console.log : console.error)(USAGE);
  process.exit(code);
}
