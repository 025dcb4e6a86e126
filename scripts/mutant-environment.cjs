// The test environment of the dry run of scripts/test-mutants.mjs: passes Stryker's counts to mutant-runner.cjs, which has no access.
const { TestEnvironment } = require('jest-environment-node');

module.exports = class MutantEnvironment extends TestEnvironment {
  async teardown() {
    globalThis.mutantCoverage = this.global.__stryker__?.mutantCoverage;
    await super.teardown();
  }
};
