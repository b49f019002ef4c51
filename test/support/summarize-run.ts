/**
 * Sums up a run from vitest's own report: `node summarize-run.ts REPORT CHECK_STATUS TEST_STATUS`. A run has failed if
 * it has no tests or no report, or if its runner failed, whatever the tests reported.
 */
import { readFileSync } from 'node:fs';
import * as z from 'zod';

const Report = z.object({
  success: z.boolean(),
  numPassedTests: z.int().min(0),
  numFailedTests: z.int().min(0),
  numFailedTestSuites: z.int().min(0),
});
const Arguments = z.tuple([z.string().min(1), z.coerce.number(), z.coerce.number()]);

const [reportFile, checkStatus, testStatus] = Arguments.parse(process.argv.slice(2));

const readReport = (): z.infer<typeof Report> | undefined => {
  try {
    return Report.parse(JSON.parse(readFileSync(reportFile, 'utf8')));
  } catch (error) {
    console.error('The test runner left no readable report:', error);
    return undefined;
  }
};

const report = readReport();
const passed = report?.numPassedTests ?? 0;
const failedTests = report?.numFailedTests ?? 0;

const problems: string[] = [];
if (checkStatus !== 0) problems.push('npm run check failed');
if (testStatus !== 0 && failedTests === 0) problems.push(`npm test ended with ${testStatus} outside of any test`);
if (testStatus === 0 && !report?.success) problems.push('the test report is a failure');
if (passed + failedTests === 0) problems.push('no test ran');
for (const problem of problems) console.error(`Failed: ${problem}`);

const failed = failedTests + problems.length;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
