/** The library and the demo run as ES modules, from their TypeScript sources. */
export default {
  testEnvironment: 'node',
  resolver: '<rootDir>/test/jest-resolver.cjs',
  // A bound for a machine that is busy with other things; nothing here waits for time to pass.
  testTimeout: 120_000,
  // A worker that ends has 1.5 GB to free. By default Jest reports one that takes half a second as a leak, also on a busy machine.
  workerGracefulExitTimeout: 20_000,
  // `js` before `mjs`, as in Node: otherwise there would be two copies of `graphql`.
  moduleFileExtensions: ['ts', 'cts', 'js', 'mjs', 'cjs', 'json', 'node'],
  roots: ['<rootDir>/src', '<rootDir>/test', '<rootDir>/demo'],
  testRegex: '(\\.spec|\\.e2e-spec)\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^(\\.{1,2}/.*(?:redis-client|pg-package))\\.cjs$': '$1.cts',
    '^nestjs-event-stream$': '<rootDir>/src/index.ts',
    '^nestjs-event-stream/(.*)$': '<rootDir>/src/$1/index.ts',
  },
  transform: {
    '^.+\\.cts$': ['@swc/jest', { module: { type: 'commonjs' }, jsc: { parser: { syntax: 'typescript' } } }],
    '^.+\\.ts$': [
      '@swc/jest',
      {
        module: { type: 'nodenext' },
        sourceMaps: 'inline',
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
      },
    ],
  },
};
