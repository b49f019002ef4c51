import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where `.ci/run` wants the report it counts from. */
const reportFile = process.env.LAUREL_TEST_REPORT;

// Tests have a community of their own: one that changes its rules, tiers or boards breaks none of them.
process.env.LAUREL_COMMUNITY = join(import.meta.dirname, 'test', 'fixtures', 'community');

/**
 * Files with a process of their own: a handler keeps the clients and the environment that it began with, and a stack
 * leaves threads and connections behind. All other files share processes, which saves loading the modules for each:
 * `left-behind.ts` fails a file that leaves a mock or a variable behind.
 */
const ALONE = ['bench', 'contract', 'functions', 'local', 'operator', 'pages', 'properties', 'recording', 'scenarios']
  .map((folder) => `test/${folder}/**/*.test.ts`)
  .concat('test/adapters/unowned-hours.test.ts', 'test/domain/backfill/run-backfill.test.ts'); // they wire handlers

const COMMON = {
  environment: 'node',
  pool: 'forks',
  maxWorkers: 3, // tests wait for engines of their own: two cores have room for a third
  testTimeout: 900_000, // a bound on hanging, not a measure: machines are shared and slow at times
  hookTimeout: 900_000,
} as const;

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    passWithNoTests: false,
    ...(reportFile === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: reportFile } }),
    projects: [
      { test: { ...COMMON, name: 'alone', include: ALONE } },
      {
        test: {
          ...COMMON,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          isolate: false,
          setupFiles: ['test/support/left-behind.ts'],
        },
      },
    ],
  },
});
