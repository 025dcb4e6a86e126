import { parseArgs } from 'node:util';
import { FAULTS } from './broken-log.mjs';

const USAGE = `npm run test:consistency -- [options]

  --log memory|redis|ioredis|postgres   only this one (default all); ioredis is Redis with that client
  --clients N          (default 200)
  --channels N         (default 20)
  --nodes N            processes on one server (default 3; the log in memory has one)
  --deliveries N       for each log (default 1000000)
  --seconds N          at most, for each log (default 1800)
  --rate N             events published a second, at most (default 400)
  --seed N             of everything that is random (default: from the clock)
  --app demo|small     for Redis and PostgreSQL: the demo's processes, built by \`npm run build:demo\`, or a small application that
                       keeps less (default demo; the log in memory and ioredis have the small one)
  --broken FAULT       a log in memory that is wrong now and then (loss, duplicate, disorder, missing-gap), which the
                       check has to find: it ends with 1
  --short              14 seconds for each log, in which twice as much goes wrong, for CI`;

const LOGS = ['memory', 'redis', 'ioredis', 'postgres'];

/** Parses the arguments. Prints the usage and ends the process if they are invalid. */
export function readOptions(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        ...Object.fromEntries(
          [
            'log',
            'clients',
            'channels',
            'nodes',
            'deliveries',
            'seconds',
            'rate',
            'seed',
            'app',
            'broken',
          ].map((name) => [name, { type: 'string' }]),
        ),
        short: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) exitWithUsage(0);
    const whole = (name, otherwise) => wholeNumber(name, values[name] ?? `${otherwise}`);
    return {
      logs: logsOf(values),
      broken: values.broken && oneOf('broken', values.broken, FAULTS),
      clients: whole('clients', 200),
      channels: whole('channels', 20),
      nodes: whole('nodes', 3),
      deliveries: whole('deliveries', 1_000_000),
      seconds: whole('seconds', values.short ? 14 : 1800),
      perSecond: whole('rate', 400),
      seed: whole('seed', Date.now() % 1_000_000),
      short: values.short,
      app: oneOf('app', values.app ?? 'demo', ['demo', 'small']),
    };
  } catch (error) {
    console.error(`${error.message}\n`);
    return exitWithUsage(2);
  }
}

function logsOf({ log, broken }) {
  if (broken) return ['memory'];
  return log === undefined ? LOGS : [oneOf('log', log, LOGS)];
}

function wholeNumber(name, text) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`--${name} takes a whole number, 1 or more, not "${text}".`);
}

function oneOf(name, text, known) {
  if (known.includes(text)) return text;
  throw new Error(`--${name} is one of ${known.join(', ')}, not "${text}".`);
}

function exitWithUsage(code) {
  (code === 0 ? console.log : console.error)(USAGE);
  process.exit(code);
}
