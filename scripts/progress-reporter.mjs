import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { styleText } from 'node:util';

/** A Jest reporter: one line for each suite, the failures in full, and the counts in the file named by TEST_COUNTS. */
export default class ProgressReporter {
  done = 0;

  onTestResult(_test, result, { numTotalTestSuites }) {
    this.done += 1;
    const failed = result.numFailingTests > 0 || result.testExecError !== undefined;
    const width = String(numTotalTestSuites).length;
    const seconds = ((result.perfStats.end - result.perfStats.start) / 1000).toFixed(1);
    console.log(
      `[${String(this.done).padStart(width)}/${numTotalTestSuites}]`,
      failed ? styleText('red', 'FAIL') : 'pass',
      relative(process.cwd(), result.testFilePath),
      styleText('dim', `${result.numPassingTests} in ${seconds} s`),
    );
    if (result.failureMessage) console.log(result.failureMessage);
  }

  onRunComplete(_contexts, results) {
    const counts = {
      passed: results.numPassedTests,
      // A file that does not load counts as a failed test.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    writeFileSync(process.env.TEST_COUNTS, JSON.stringify(counts));
  }
}
