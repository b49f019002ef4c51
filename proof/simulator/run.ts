import { checkAccounts } from './check-accounts.ts';
import { checkAll, checkReplays } from './checks.ts';
import { settle } from './drain.ts';
import type { Engine } from './engine.ts';
import type { Fault } from '../faults.ts';
import { Finding } from './finding.ts';
import type { Deployments } from './functions.ts';
import type { Schedule } from './steps.ts';
import { World } from './world.ts';

export type Verdict = {
  /** The first failed check; undefined if every invariant held. */
  readonly finding: { readonly rule: string; readonly problems: readonly string[] } | undefined;
  /** A hash of everything that happened, in order. Equal schedules and equal code give equal hashes. */
  readonly traceHash: string;
  /** The faults of tries, by the names of the tries. */
  readonly faults: ReadonlyMap<string, Fault>;
  readonly requests: number;
  /** The released requests, line by line; empty unless requested. */
  readonly lines: readonly string[];
};

/** Runs a schedule to its end and checks everything. */
export async function runSchedule(
  engine: Engine,
  deployments: Deployments,
  schedule: Schedule,
  { isTold = false }: { readonly isTold?: boolean } = {},
): Promise<Verdict> {
  const world = await World.on(engine, deployments, schedule, { isTold });
  const finding = await findingOf(async () => {
    for (const step of schedule.steps) await world.take(step);
    await settle(world);
    await checkAccounts(world);
    await checkAll(world);
    await checkReplays(world);
  });
  const { simulation } = world;
  simulation.killAll();
  return {
    finding,
    traceHash: simulation.traceHash(),
    faults: simulation.faults,
    requests: simulation.conductor.time,
    lines: simulation.lines ?? [],
  };
}

async function findingOf(work: () => Promise<void>): Promise<Verdict['finding']> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof Finding) return { rule: error.rule, problems: error.problems };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { rule: 'an error that nobody expected', problems: [text] };
  }
}
