import type { TestProject } from 'vitest/node';
import { synthIfStale } from '../../infra/synth-if-stale.ts';

declare module 'vitest' {
  // The name is vitest's, and only an interface can be added to.
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions
  export interface ProvidedContext {
    /** Directory of the assembly of stage `local`: `inject('assembly')` in a test. */
    assembly: string;
  }
}

/** Synthesizes once for all test files, so that none of them waits for the bundler. */
export async function setup(project: TestProject): Promise<void> {
  project.provide('assembly', await synthIfStale({ stage: 'local' }));
}
