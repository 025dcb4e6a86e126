// Which folder of `src/` may import which. What is not listed is rejected, type imports included.
// The order is the order of the floors: a folder imports only from lines above its own.
const MAY_IMPORT = {
  errors: [],
  time: [],
  'random-id.ts': [],
  'environment.ts': [],
  events: ['errors'],
  checking: ['errors', 'events'],
  wire: ['errors', 'events'],
  source: ['errors', 'events', 'wire', 'time'],
  limits: ['checking', 'errors', 'time', 'random-id.ts'],
  connection: ['errors', 'time', 'checking', 'events', 'wire', 'source', 'limits'],
  log: ['errors', 'time', 'random-id.ts', 'checking', 'events', 'wire'],
  channels: ['errors', 'time', 'environment.ts', 'checking', 'events', 'wire', 'source', 'log'],
  runs: [
    'errors',
    'time',
    'random-id.ts',
    'environment.ts',
    'checking',
    'events',
    'source',
    'log',
    'channels',
  ],
  stages: ['errors', 'time', 'checking', 'events', 'wire'],
  options: [
    'errors',
    'environment.ts',
    'checking',
    'events',
    'limits',
    'connection',
    'log',
    'runs',
    'stages',
  ],
  interceptors: ['errors', 'time', 'checking', 'events', 'source', 'options', 'stages'],
  'pipeline.ts': ['connection', 'options', 'stages'],
  nest: ['errors', 'connection', 'options'],
  request: [
    'errors',
    'environment.ts',
    'time',
    'events',
    'wire',
    'source',
    'limits',
    'connection',
    'channels',
    'options',
    'stages',
    'pipeline.ts',
    'nest',
  ],
  handler: ['errors', 'checking', 'events', 'source', 'connection', 'options', 'nest', 'request'],
  'sse.module.ts': ['errors', 'time', 'connection', 'channels', 'runs', 'options', 'nest', 'handler'],
  'redis/link': ['errors', 'time', 'checking'],
  'redis/log': ['errors', 'time', 'random-id.ts', 'checking', 'events', 'log', 'redis/link'],
  'redis/slots': ['errors', 'time', 'checking', 'limits', 'redis/link'],
  'postgres/link': ['errors', 'time', 'random-id.ts', 'checking'],
  'postgres/schema': ['errors', 'checking', 'postgres/link'],
  'postgres/log': [
    'errors',
    'time',
    'random-id.ts',
    'checking',
    'events',
    'log',
    'postgres/link',
    'postgres/schema',
  ],
  'postgres/slots': ['errors', 'time', 'checking', 'limits', 'postgres/link', 'postgres/schema'],
  client: ['errors', 'checking', 'events', 'wire'],
  cli: ['errors', 'client'],
  swagger: ['errors', 'events', 'options', 'nest', 'handler'],
  ai: ['errors', 'random-id.ts', 'events', 'source', 'channels', 'runs', 'options', 'handler'],
  testing: ['errors', 'checking', 'wire', 'events', 'log', 'client'],
};

/** Packages and Node modules that a folder may import, besides those above. */
const MAY_USE = {
  errors: ['@nestjs/common', 'node:http'],
  events: ['@standard-schema/spec'],
  time: ['node:async_hooks'],
  source: ['rxjs'],
  limits: ['@nestjs/common'],
  connection: ['node:events', 'node:http', 'node:http2', 'node:net', 'node:stream'],
  channels: ['@nestjs/common'],
  runs: ['@nestjs/common', 'node:http'],
  options: ['@nestjs/common'],
  stages: ['@nestjs/common', 'node:async_hooks'],
  interceptors: ['@nestjs/common', 'rxjs'],
  nest: ['@nestjs/common', '@nestjs/core', 'rxjs'],
  request: ['@nestjs/common', 'node:async_hooks', 'node:http', 'rxjs'],
  handler: ['@nestjs/common', '@nestjs/core', 'rxjs'],
  'sse.module.ts': ['@nestjs/common', '@nestjs/core'],
  'redis/link': ['@redis/client', 'node:crypto', 'node:module'],
  'postgres/link': ['pg'],
  cli: ['node:fs', 'node:fs/promises', 'node:util'],
  ai: ['@nestjs/common'],
  swagger: ['@nestjs/common', '@nestjs/core', '@nestjs/swagger', '@standard-schema/spec'],
  testing: ['node:http', 'node:net'],
};

const ENTRY = ['^src/index\\.ts$', '^src/[a-z]+/index\\.ts$'];
const SPEC = '\\.spec\\.ts$';
const within = (place) => (place.endsWith('.ts') ? `^src/${place.replace('.', '\\.')}$` : `^src/${place}/`);
const npm = (name) => (name.startsWith('node:') ? `^${name.slice(5)}$` : `^node_modules/${name}/`);

const allowed = Object.entries(MAY_IMPORT).map(([from, to]) => ({
  from: { path: within(from), pathNot: SPEC },
  to: { path: [within(from), ...to.map(within), ...(MAY_USE[from] ?? []).map(npm)] },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Types count as well: move what both files need into a third one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-entry-point',
      comment: 'An entry point is imported by nobody inside.',
      severity: 'error',
      from: { path: '^src/', pathNot: [SPEC, ...ENTRY] },
      to: { path: ENTRY },
    },
  ],
  allowed: [
    ...allowed,
    // An entry point composes what its folder, or the whole library, offers.
    { from: { path: ENTRY }, to: { path: '^src/' } },
  ],
  allowedSeverity: 'error',
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: SPEC },
    doNotFollow: { path: ['node_modules'] },
    builtInModules: { add: [] },
  },
};
