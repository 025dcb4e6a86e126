// Runs the bench. See README.md for the method, --help for the options.
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { readCommandLine } from './command-line.mjs';
import { openFileLimit, isSupported } from './machinery/operating-system.mjs';
import { drawPlots } from './plots.mjs';
import { rowsOf } from './rows.mjs';
import { SCENARIOS } from './scenarios/catalogue.mjs';
import { isInstalled as isNchanInstalled } from './servers/nchan.mjs';
import { tableOf } from './table.mjs';
import { Trial } from './trial.mjs';

/** Sockets of a process besides those of the load. */
const SPARE_FILES = 200;

const options = readCommandLine(process.argv.slice(2));
if (options.plotsOf)
  drawPlots(JSON.parse(readFileSync(options.plotsOf, 'utf8')), options.plots ?? 'bench/plots');
else await bench();

async function bench() {
  checkGround();
  const rows = [];
  for (const scenario of SCENARIOS.filter(({ name }) => options.scenarios.includes(name))) {
    const missing = scenario.missing?.();
    if (missing) {
      console.error(`${scenario.name} is left out: ${missing}.\n`);
      continue;
    }
    const found = await runScenario(scenario);
    rows.push(...found);
    console.log(`${tableOf(found)}\n`);
    // After each scenario, so that a run of an hour that is stopped has lost nothing.
    if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, undefined, 1)}\n`);
  }
  if (options.plots) drawPlots(rows, options.plots);
  if (rows.some(({ metric }) => metric === 'failed')) process.exitCode = 1;
}

async function runScenario(scenario) {
  const servers = scenario.servers.filter(
    (server) => options.servers.includes(server) && (server !== 'nchan' || isNchanInstalled()),
  );
  console.log(styleText('underline', `${scenario.name}: ${scenario.title}`));
  const rounds = [];
  for (let round = 0; round < options.rounds; round++) {
    rounds.push(await runRound(scenario, servers, labFor(scenario)));
  }
  return rowsOf(scenario, servers, rounds);
}

async function runRound(scenario, servers, lab) {
  if (scenario.together) {
    try {
      return await scenario.measureTogether(servers, lab);
    } catch (error) {
      return new Map(servers.map((server) => [server, error]));
    }
  }
  const round = new Map();
  for (const server of servers) {
    progress(`  ${server} …\r`);
    try {
      round.set(server, await scenario.measure(server, lab));
    } catch (error) {
      round.set(server, error);
    }
    progress('\x1b[K');
  }
  return round;
}

/** The environment of a scenario. */
function labFor({ name: label }) {
  const { quick, profiles } = options;
  const trial = (server, settings, work, execArgv) =>
    Trial.run(server, { settings, execArgv, profiles, label }, work);
  return {
    quick,
    trial,
    /** Several servers at the same time. */
    trials(servers, work) {
      const nest = ([server, ...others], running) =>
        server === undefined
          ? work(running)
          : trial(server, {}, (started) => nest(others, [...running, started]));
      return nest(servers, []);
    },
    /** The numbers of connections that this machine supports. */
    clients: (counts) => counts.map((count) => Math.min(count, openFileLimit() - SPARE_FILES)),
  };
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(text);
}

function checkGround() {
  if (!isSupported()) fail('The bench reads CPU time and memory from /proc, which is on Linux only.');
  const built = new URL('../dist/esm/index.js', import.meta.url);
  if (!existsSync(built)) fail('There is no build of the library yet: npm run build');
  if (changedAt(new URL('../src/', import.meta.url)) > statSync(built).mtimeMs) {
    console.error('The sources have changed since the library was built; measured is the build.\n');
  }
  if (openFileLimit() < 10_000 + SPARE_FILES) {
    console.error(
      `This shell allows ${openFileLimit()} open files, and so fewer connections than the scenarios ask for.\n` +
        'The figures hold for that many. For all of them: ulimit -Hn 20000 (as root), then run the bench again.\n',
    );
  }
  if (!isNchanInstalled()) console.error('nginx with nchan is not installed: its rows are left out.\n');
}

function changedAt(folder) {
  const files = readdirSync(folder, { recursive: true });
  return Math.max(...files.map((file) => statSync(new URL(file, folder)).mtimeMs));
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
