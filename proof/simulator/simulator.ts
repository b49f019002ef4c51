import { Engine } from './engine.ts';
import { loadFunctions } from './functions.ts';
import { runSchedule, type Verdict } from './run.ts';
import { conduct } from './simulation.ts';
import type { Schedule } from './steps.ts';

export type Simulator = {
  run(schedule: Schedule, options?: { readonly isTold?: boolean }): Promise<Verdict>;
  stop(): Promise<void>;
};

/** An engine with the functions, for several schedules in turn. Install the stubs first. */
export async function startSimulator(): Promise<Simulator> {
  const engine = await Engine.start();
  conduct(engine.client);
  const deployments = await loadFunctions(engine);
  return {
    run: (schedule, options = {}) => runSchedule(engine, deployments, schedule, options),
    stop: () => engine.stop(),
  };
}
