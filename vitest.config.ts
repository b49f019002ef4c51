import { defineConfig } from 'vitest/config';

/** Where `.ci/run` wants the report it counts from. */
const reportFile = process.env.LAUREL_TEST_REPORT;

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2, // tests start engines of their own: more would measure the machine, not the code
    testTimeout: 300_000, // a bound on hanging, not a measure: machines are shared and slow at times
    hookTimeout: 300_000,
    passWithNoTests: false,
    ...(reportFile === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: reportFile } }),
  },
});
