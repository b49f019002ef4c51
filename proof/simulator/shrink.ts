import type { Schedule, Step } from './steps.ts';
import type { Verdict } from './run.ts';

type Run = (schedule: Schedule) => Promise<Verdict>;

/**
 * Removes steps and faults as long as the same rule is broken: first halves, then smaller parts, then the remaining
 * faults, all at once or one by one. Returns the smallest schedule within the allowed runs, with its verdict.
 */
export async function shrink(
  schedule: Schedule,
  verdict: Verdict,
  run: Run,
  mostRuns: number,
): Promise<{ readonly schedule: Schedule; readonly verdict: Verdict; readonly runs: number }> {
  let best = { schedule, verdict };
  let runs = 0;
  const tryIt = async (smaller: Schedule): Promise<boolean> => {
    if (runs >= mostRuns) return false;
    runs += 1;
    const result = await run(smaller);
    const isSame = result.finding !== undefined && result.finding.rule === verdict.finding?.rule;
    if (isSame) best = { schedule: smaller, verdict: result };
    return isSame;
  };

  const withSteps = (steps: readonly Step[]): Schedule => ({ ...best.schedule, steps });
  for (let size = Math.ceil(schedule.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.schedule.steps.length;) {
      const { steps } = best.schedule;
      const isTaken = await tryIt(withSteps([...steps.slice(0, from), ...steps.slice(from + size)]));
      if (!isTaken) from += size;
    }
  }
  const without = (names: Iterable<string>): Schedule => ({
    ...best.schedule,
    without: [...best.schedule.without, ...names],
  });
  if (best.verdict.faults.size > 0 && !(await tryIt(without(best.verdict.faults.keys())))) {
    for (const name of [...best.verdict.faults.keys()]) await tryIt(without([name]));
  }
  // With fewer faults, fewer steps may be enough.
  for (const { number } of best.schedule.steps.toReversed()) {
    await tryIt(withSteps(best.schedule.steps.filter((step) => step.number !== number)));
  }
  return { ...best, runs };
}
