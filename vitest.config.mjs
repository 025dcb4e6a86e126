import { defineConfig } from 'vitest/config';

/** The test kit, in Vitest. The rest of the tests run in Jest. The package is the built one. */
export default defineConfig({
  test: {
    include: ['test/vitest/*.vitest.ts'],
    globals: false,
    testTimeout: 20_000,
  },
});
