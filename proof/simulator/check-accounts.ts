import { checkConsistency } from './checks.ts';
import { drain } from './drain.ts';
import { expectNone } from './finding.ts';
import { scoresIn, type Item } from '../model/stored.ts';
import type { World } from './world.ts';

/** Longer than any function remembers a name. */
const FORGOTTEN_MS = 10_000;

/** Each account has one name, and each name that nobody gave up is that of its account. */
function problemsOfNames(items: readonly Item[]): readonly string[] {
  const present = items.filter(({ pk, heldUntil }) => String(pk).startsWith('NAME#') && heldUntil === undefined);
  const accounts = items.filter(({ sk }) => sk === 'ACCOUNT');
  const named = accounts.flatMap(({ pk, username }) => {
    const own = present.filter(({ account }) => `ACCOUNT#${String(account)}` === pk).map(({ sk }) => sk);
    return own.length === 1 && own[0] === username ? [] : [`${String(pk)} is ${String(username)}, with ${own.join()}`];
  });
  return present.length === accounts.length
    ? named
    : [...named, `${present.length} names of ${accounts.length} accounts`];
}

/**
 * While accounts are merged, what is stored must equal a fold of the facts of both. Then all are unmerged: everything
 * must be as if they had never been merged, so that the models need not know merges.
 */
export async function checkAccounts(world: World): Promise<void> {
  const { simulation, schedule } = world;
  if (!schedule.steps.some(({ act }) => ['rename', 'merge'].includes(act.kind))) return;
  const items = await simulation.engine.items('accounts');
  expectNone('accounts', problemsOfNames(items));
  const merged = items.flatMap(({ pk, mergedInto }) =>
    mergedInto === undefined ? [] : [String(pk).slice('ACCOUNT#'.length)],
  );
  if (merged.length > 0) {
    const scores = scoresIn(await simulation.engine.items('user_scores'));
    await checkConsistency(world, scores.length, 'check merged accounts');
  }
  simulation.now += FORGOTTEN_MS;
  for (const username of merged) await world.finish(world.ask({ kind: 'unmerge', username }, `apart ${username}`));
  await drain(world, 'apart');
}
