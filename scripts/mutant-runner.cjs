// The runner of Jest under mutation testing (scripts/test-mutants.mjs): Stryker runs every spec file for every mutant, and Jest has
// no `bail` there. This one runs only the files that reach the mutant, and stops at the first that detects it.
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { default: TestRunner } = require('jest-runner');

/** Written in the dry run: for each mutant, the spec files that reach it, the fastest first. */
const REACHED_BY = join(process.cwd(), '.tmp-reached-by.json');

module.exports = class MutantRunner extends TestRunner {
  async runTests(tests, watcher, options) {
    const mutant = process.env.__STRYKER_ACTIVE_MUTANT__;
    if (mutant === undefined) return this.#record(tests, watcher, options);

    const chosen = JSON.parse(readFileSync(REACHED_BY, 'utf8'))[mutant].flatMap((path) =>
      tests.filter((test) => test.path === path),
    );
    if (chosen.length === 0) throw new Error(`No spec file reaches mutant ${mutant}.`);
    let detected = false;
    this.on('test-file-success', ([, result]) => (detected ||= result.numFailingTests > 0));
    this.on('test-file-failure', () => (detected = true));
    for (const test of chosen) {
      await super.runTests([test], watcher, options);
      if (detected) return;
    }
  }

  async #record(tests, watcher, options) {
    const reachedBy = {};
    const times = new Map();
    for (const test of tests) {
      const before = counts();
      const start = performance.now();
      await super.runTests([test], watcher, options);
      times.set(test.path, performance.now() - start);
      for (const [mutant, count] of counts()) {
        if (count !== before.get(mutant)) (reachedBy[mutant] ??= []).push(test.path);
      }
    }
    for (const paths of Object.values(reachedBy)) paths.sort((a, b) => times.get(a) - times.get(b));
    writeFileSync(REACHED_BY, JSON.stringify(reachedBy));
  }
};

/** How often each mutant was reached so far. Stryker counts while a module loads, and in each test. */
function counts() {
  const { static: whileLoading = {}, perTest = {} } = globalThis.mutantCoverage ?? {};
  const all = new Map();
  for (const reached of [whileLoading, ...Object.values(perTest)]) {
    for (const [mutant, count] of Object.entries(reached)) all.set(mutant, (all.get(mutant) ?? 0) + count);
  }
  return all;
}
