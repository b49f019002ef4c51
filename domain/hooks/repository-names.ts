import type { Clock, Random, Sleep } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import { untilSaved, withinRequest } from '../shared/until-saved.ts';
import { firstIdOf, type FirstNames } from '../telemetry/first-names.ts';
import type { Repository, RepositoryThing } from './github-event.ts';

export type NameDeps = {
  readonly firstNames: FirstNames;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
};

/** An identity has 128 characters, and up to 48 of them follow the name. */
const MAX_NAME = 79;
const CUT_NAME = 60;

/**
 * The name of a repository in the identities of facts: the one that it had when Laurel first heard of it. It is found by
 * the repository's number, and each name that it gets later leads to it. A name that another repository had first
 * stays that one's.
 */
export function firstNameOf(deps: NameDeps, { id, name, formerName = name }: Repository): Promise<string> {
  const { firstNames: names } = deps;
  const number = `github:${id}`;
  return untilSaved(withinRequest(deps), async () => {
    const known = await names.find(number);
    if (known === name && formerName === name) return known;
    const called = [...new Set([formerName, name])];
    const leads = await settleAll(called, called.length, (each) => names.find(each));
    const free = called.filter((_, index) => leads[index] === undefined);
    const isOwn = free.includes(formerName) && formerName.length <= MAX_NAME;
    const first = known ?? (isOwn ? formerName : `${formerName.slice(0, CUT_NAME)}~${id}`);
    const all = [...(known === undefined ? [number, first] : []), ...free];
    if (all.length === 0 || (await names.keep(new Map(all.map((each) => [each, first]))))) return first;
    return 'stale';
  });
}

/** The identity of a thing of a repository. */
export const identityOfThing = async (deps: NameDeps, { repository, within }: RepositoryThing): Promise<string> =>
  (await firstNameOf(deps, repository)) + within;

/** Lets the new place of a transferred thing lead to the identity that it had before. */
export async function keepMove(
  deps: NameDeps,
  { from, to }: { readonly from: RepositoryThing; readonly to: RepositoryThing },
): Promise<void> {
  const { firstNames: names } = deps;
  const before = await firstIdOf(names, await identityOfThing(deps, from));
  const after = await identityOfThing(deps, to);
  if (before === after) return;
  await untilSaved(withinRequest(deps), async () => {
    const isKept = (await names.find(after)) !== undefined || (await names.keep(new Map([[after, before]])));
    return isKept ? 'kept' : 'stale';
  });
}
