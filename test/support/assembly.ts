import { synthIfStale } from '../../infra/synth-if-stale.ts';

/** The assembly of stage `local` that the run began with; one made now for whoever starts engines outside of a run. */
export const assemblyOfRun = async (): Promise<string> =>
  process.env.LAUREL_TEST_ASSEMBLY ?? (await synthIfStale({ stage: 'local' }));
