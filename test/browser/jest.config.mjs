import { join } from 'node:path';
import base from '../../jest.config.mjs';

/** The suites that need a browser. `npm run test:browser` starts them. */
export default {
  ...base,
  rootDir: join(import.meta.dirname, '../..'),
  roots: ['<rootDir>/test/browser'],
  testRegex: '\\.browser-spec\\.ts$',
};
