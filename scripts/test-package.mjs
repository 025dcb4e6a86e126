// Packs the library and uses it as its users do: a new Nest application, `nest add`, `nest g`, the generated specs,
// a type check, a build, a request to the running application, and a copy of each example. Needs the network and some minutes.
//
//   node scripts/test-package.mjs [--keep] [esm] [cjs] [nest11]
//
// esm and cjs are the two templates of the current Nest CLI (Vitest, Jest); nest11 is the template of version 11.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';

const PACKAGE = 'nestjs-event-stream';
const root = dirname(import.meta.dirname);
// Not a dependency of the library: the CLI and its schematics ask for Node 22.
const NEST_CLI = '@nestjs/cli@12.0.8';
let cli;

const kinds = {
  esm: {
    create: (folder) => nodeRun(folder, cli.resolve('@nestjs/cli/bin/nest.js'), ...NEW_APP),
    test: ['npx', 'vitest', 'run'],
  },
  cjs: {
    create: (folder) =>
      nodeRun(
        folder,
        cli.resolve('@angular-devkit/schematics-cli/bin/schematics.js'),
        '@nestjs/schematics:application',
        '--name=app',
        '--type=cjs',
        '--language=ts',
      ),
    // Jest reads the ES modules of Nest 12 from CommonJS on Node 24.9 and later, with the flag in the script of the template.
    test: ['npm', 'test', '--', '--ci'],
    canTest: () => isNode(24, 9),
  },
  nest11: {
    create: (folder) =>
      run(folder, 'npx', '--yes', '@nestjs/cli@11', ...NEW_APP.filter((flag) => flag !== '--no-observe')),
    test: ['npx', 'jest', '--ci'],
  },
};
const NEW_APP = ['new', 'app', '--skip-install', '--skip-git', '--package-manager', 'npm', '--no-observe'];

const GENERATED = [
  ['sse-controller', 'steps'],
  ['sse-controller', 'ticker', '--type', 'observable'],
  ['sse-controller', 'admin/ChatRoom', '--type', 'channel'],
  ['sse-controller', 'flat-one', '--flat', '--no-spec'],
  ['sse-channel', 'news'],
];

/** For each example, the expected content of its page, and a stream to open. */
const EXAMPLES = {
  hello: { path: '/hello/Ada', text: 'data: {"greeting":"Hello","name":"Ada"}\n\n' },
  notifications: { path: '/notifications', cookie: 'user=ada', text: ':\n' },
  'model-answer': { path: '/answers/none', status: 404 },
};

const STEPS = [1, 2, 3].map((step) => `event: step\ndata: {"step":${step}}\n\n`).join('');

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const temporary = mkdtempSync(join(tmpdir(), `${PACKAGE}-`));
let failed = false;
try {
  const tarball = await step('build and pack', () => pack());
  cli = await step(`npm install ${NEST_CLI}`, () => installCli());
  for (const kind of wanted.length > 0 ? wanted : Object.keys(kinds)) await tryOut(kind, tarball);
} catch (error) {
  failed = true;
  console.error(styleText('red', `FAILED ${error.message}`));
  if (error.stdout) console.error(error.stdout);
} finally {
  if (process.argv.includes('--keep')) console.log(`The applications are in ${temporary}`);
  else rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
}
process.exitCode = failed ? 1 : 0;

function pack() {
  nodeRun(root, join(root, 'scripts/build.mjs'));
  const [{ filename }] = JSON.parse(run(root, 'npm', 'pack', '--json', '--pack-destination', temporary));
  return join(temporary, filename);
}

function installCli() {
  const folder = join(temporary, 'cli');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', NEST_CLI);
  return createRequire(join(folder, 'node_modules/@nestjs/cli/package.json'));
}

async function tryOut(kind, tarball) {
  const { create, test, canTest = () => true } = kinds[kind];
  const folder = join(temporary, kind);
  const app = join(folder, 'app');
  mkdirSync(folder);
  const here = (title, work) => step(`${kind}: ${title}`, work);
  await here('new application', () => create(folder));
  await here('npm install', () =>
    run(app, 'npm', 'install', '--no-audit', '--no-fund', '--no-package-lock', tarball),
  );
  await here('nest add', () => add(app));
  for (const parts of GENERATED) {
    await here(`nest g ${parts.join(' ')}`, () => run(app, 'npx', 'nest', 'g', '-c', PACKAGE, ...parts));
  }
  await here('what was generated', () => checkFiles(app));
  await here('tsc', () => run(app, 'npx', 'tsc', '--noEmit', '-p', 'tsconfig.json'));
  if (canTest()) await here(`specs (${test.join(' ')})`, () => run(app, ...test));
  else console.log(`  ${kind}: specs (${test.join(' ')}) left out: ${process.version} cannot run them`);
  await here('nest build', () => run(app, 'npx', 'nest', 'build'));
  await here('GET from the running application', () => request(app));
  for (const name of Object.keys(EXAMPLES)) await here(`example ${name}`, () => example(app, name));
}

/** As `examples/README.md` says: the files of an example replace those of the application. */
async function example(app, name) {
  cpSync(join(root, 'examples', name), join(app, 'src'), { recursive: true });
  run(app, 'npx', 'nest', 'build');
  const { path, cookie = '', status = 200, text = '' } = EXAMPLES[name];
  await serve(app, async (url) => {
    expect(await (await fetch(url)).text(), /new EventSource/);
    const response = await fetch(url + path, { headers: { cookie } });
    if (response.status !== status) throw new Error(`${path} was answered with ${response.status}`);
    let body = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      body += chunk;
      if (body.includes(text)) return;
    }
    throw new Error(`${path} ended with ${JSON.stringify(body)}`);
  });
}

/** Twice: the second time must say that there is nothing to do. */
function add(app) {
  run(app, 'npx', 'nest', 'add', PACKAGE, '--skip-install');
  const again = run(app, 'npx', 'nest', 'add', PACKAGE, '--skip-install');
  expect(again, /src\/app\.module\.ts has SseModule already/);
}

function checkFiles(app) {
  const module = readFileSync(join(app, 'src/app.module.ts'), 'utf8');
  expect(module, /imports: \[SseModule\.forRoot\(\)\]/);
  expect(
    module,
    /controllers: \[\s+AppController,\s+StepsController,\s+TickerController,\s+ChatRoomController,\s+FlatOneController,\s+\]/,
  );
  expect(module, /providers: \[AppService, NewsChannel\]/);
  const files = readdirSync(join(app, 'src'), { recursive: true }).join('\n');
  for (const path of [
    'steps/steps.controller',
    'ticker/ticker.controller',
    'admin/chat-room/chat-room.controller',
    'news/news.channel',
  ]) {
    expect(files, new RegExp(`^${path}\\.ts$`, 'm'));
    expect(files, new RegExp(`^${path}\\.spec\\.ts$`, 'm'));
  }
  expect(files, /^flat-one\.controller\.ts$/m);
  if (/flat-one\.controller\.spec/.test(files)) throw new Error('--no-spec wrote a spec');
}

async function request(app) {
  await serve(app, async (url) => {
    const response = await fetch(`${url}/steps/events`);
    expect(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    const body = await response.text();
    if (body.replace(/^:.*\n/gm, '') !== STEPS) throw new Error(`The stream was ${JSON.stringify(body)}`);
    process.stdout.write(body.replaceAll(/^(?=.)/gm, '    '));
  });
}

/** Runs the built application while `use(url)` runs. */
async function serve(app, use) {
  const port = await freePort();
  const server = spawn(process.execPath, ['dist/main.js'], {
    cwd: app,
    env: { ...process.env, PORT: String(port) },
  });
  let output = '';
  server.stdout.on('data', (text) => (output += text));
  server.stderr.on('data', (text) => (output += text));
  try {
    const url = `http://127.0.0.1:${port}`;
    await answer(url, server);
    await use(url);
  } catch (error) {
    throw Object.assign(error, { stdout: output });
  } finally {
    server.kill('SIGTERM');
  }
}

async function answer(url, server) {
  const until = Date.now() + 20_000;
  for (;;) {
    try {
      return await fetch(url);
    } catch (error) {
      if (server.exitCode !== null || Date.now() > until) throw error;
      await delay(100);
    }
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function step(title, work) {
  const start = Date.now();
  try {
    const result = await work();
    console.log(`  ${title} ${styleText('dim', `${((Date.now() - start) / 1000).toFixed(1)} s`)}`);
    return result;
  } catch (error) {
    error.message = `${title}: ${error.message}`;
    throw error;
  }
}

function expect(text, pattern) {
  if (!pattern.test(text)) throw Object.assign(new Error(`${pattern} is not in the text`), { stdout: text });
}

function nodeRun(cwd, ...args) {
  return run(cwd, process.execPath, ...args);
}

/** Without a terminal, so that nothing asks; the output is shown when it fails. */
function run(cwd, command, ...args) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  });
}

function isNode(major, minor) {
  const [actualMajor = 0, actualMinor = 0] = process.versions.node.split('.').map(Number);
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}
