import * as z from 'zod';
import { after, keysOf, type Item } from './stored.ts';

const Run = z.looseObject({ pk: z.string(), sk: z.string() });
const Tally = z.object({ first: z.array(z.string()) });

/** The ids of unfinished backfills. */
export const unfinishedRunsIn = (items: readonly Item[]): readonly string[] =>
  items.filter(({ pk, status }) => pk === 'RUNS' && status !== 'done').map((item) => keysOf(item).sk);

/** The users that each finished backfill planned, without unknown ones. */
export function plannedByRuns(items: readonly Item[]): ReadonlyMap<string, ReadonlySet<string>> {
  const rows = items.map((item) => Run.parse(item));
  const done = rows.filter(({ pk, status, dryRun }) => pk === 'RUNS' && status === 'done' && dryRun !== true);
  return new Map(
    done.map(({ sk: runId }) => {
      const unknown = rows
        .filter(({ pk, sk }) => pk === `RUN#${runId}` && sk.startsWith('TASK#'))
        .flatMap((task) => Tally.parse(task.unknown).first);
      const planned = rows.filter(({ pk, sk }) => pk.startsWith(`RUN#${runId}#`) && sk.startsWith('USER#'));
      const users = planned.map(({ sk }) => after(sk, '#')).filter((user) => !unknown.includes(user));
      return [runId, new Set(users)];
    }),
  );
}
