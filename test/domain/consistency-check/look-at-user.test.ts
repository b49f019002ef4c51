import { expect, it } from 'vitest';
import { lookAtUser } from '../../../domain/consistency-check/look-at-user.ts';
import { aUsername } from '../scoring/model.ts';
import { ada, healthy } from './world.ts';

it('a refresh in progress can cause a difference but never hides one: stored items are read before the facts', async () => {
  const world = await healthy();
  await world.send(ada, 'untold');
  const deps = world.deps();
  const linksOf: typeof deps.telemetry.linksOf = async (account) => {
    const links = await deps.telemetry.linksOf(account);
    await world.refresh(ada, ['2026-08-23']);
    return links;
  };
  const during = await lookAtUser({ ...deps, telemetry: world.facts.with({ linksOf }) }, ada);

  expect(during.differences).not.toEqual([]);
  expect((await lookAtUser(deps, ada)).differences).toEqual([]);
});

it('compares nothing if nothing is stored or known of a user', async () => {
  const world = await healthy();
  const nothing = { isCompared: false, isOfOtherRules: false, differences: [] };

  expect(await lookAtUser(world.deps(), aUsername('nobody'))).toEqual(nothing);
});
