import { synthIfStale } from '../../infra/synth-if-stale.ts';

/** The assembly of the stage `local` of this run. Outside of a run, it is synthesized now. */
export const assemblyOfRun = async (): Promise<string> =>
  process.env.LAUREL_TEST_ASSEMBLY ?? (await synthIfStale({ stage: 'local' }));
