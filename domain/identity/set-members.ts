import type { AccountId } from './account.ts';
import type { Username } from './username.ts';
import type { Clock, Random, Sleep } from '../shared/environment.ts';
import { isoOf } from '../shared/utc.ts';
import type { Collective, Collectives } from './collective.ts';
import { untilSaved, withinRequest } from '../shared/until-saved.ts';

export type SetMembersDeps = {
  readonly collectives: Pick<Collectives, 'find' | 'save'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
};

/**
 * Sets the members of a collective. They are credited for its publishes from now on. The same members again change
 * nothing.
 */
export async function setMembers(
  deps: SetMembersDeps,
  { slug, members }: { readonly slug: Username; readonly members: readonly AccountId[] },
): Promise<Collective> {
  const named = [...new Set(members)].sort();
  return untilSaved(withinRequest(deps), async () => {
    const before = await deps.collectives.find(slug);
    if (before?.members.join() === named.join()) return before;
    const after = { slug, members: named, since: isoOf(deps.clock()), revision: (before?.revision ?? 0) + 1 };
    return (await deps.collectives.save(before, after)) === 'saved' ? after : 'stale';
  });
}
