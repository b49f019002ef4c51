import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where `.ci/run` wants the report it counts from. */
const reportFile = process.env.LAUREL_TEST_REPORT;

// Tests have a community of their own: one that changes its rules, tiers or boards breaks none of them.
process.env.LAUREL_COMMUNITY = join(import.meta.dirname, 'test', 'fixtures', 'community');

export default defineConfig({
  test: {
    environment: 'node',
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 3, // tests wait for engines of their own: two cores have room for a third
    testTimeout: 900_000, // a bound on hanging, not a measure: machines are shared and slow at times
    hookTimeout: 900_000,
    passWithNoTests: false,
    ...(reportFile === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: reportFile } }),
  },
});
