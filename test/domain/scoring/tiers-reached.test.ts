import { beforeEach, describe, expect, it } from 'vitest';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { reverseGrant } from '../../../domain/grants/reverse-grant.ts';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import { rulesVersion1 } from '../../builders/rules.ts';
import { tiersReached } from '../../../domain/scoring/tiers-reached.ts';
import { explainView, scoreView } from '../../../domain/scoring/views.ts';
import { aFeedPost, anAward } from '../../builders/grants.ts';
import { aUsername, namesAsIds } from '../../builders/identity.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';
import { Clock, dependencies, FactsModel, noTurns, ScoresModel } from './model.ts';

const AT = '2026-08-21T12:00:00.000Z';
const ada = aUsername();

describe('tiers reached', () => {
  const namesOf = (points: number, before: string[] = []) =>
    tiersReached(
      before.map((tier) => ({ tier, reachedAt: AT, hasBadge: true })),
      points,
      AT,
      rulesVersion1,
    ).map(({ tier }) => tier);

  it.each([
    [-5, []],
    [0, []],
    [999, []],
    [1_000, ['Sprout']],
    [4_999, ['Sprout']],
    [5_000, ['Sprout', 'Sapling']],
    [500_000, ['Sprout', 'Sapling', 'Tree', 'Grove', 'Forest']],
  ])('with %i points are %j: a jump passes every tier, and the lowest one is never recorded', (points, names) => {
    expect(namesOf(points)).toEqual(names);
  });

  it.each([
    ['one inserted between two others is listed between them', ['Sprout', 'Sapling'], ['Sprout', 'Bush', 'Sapling']],
    [
      'one that the rules no longer name stays before the next',
      ['Sprout', 'Shrub', 'Sapling'],
      ['Sprout', 'Bush', 'Shrub', 'Sapling'],
    ],
    [
      'the last one that they no longer name stays after the one before it',
      ['Sprout', 'Old'],
      ['Sprout', 'Old', 'Bush', 'Sapling'],
    ],
  ])('are listed in the order of their thresholds: %s', (_what, before, names) => {
    const tiers = [...rulesVersion1.tiers.slice(0, 2), { name: 'Bush', from: 3_000 }, ...rulesVersion1.tiers.slice(2)];
    const reached = before.map((tier) => ({ tier, reachedAt: AT, hasBadge: true }));
    expect(tiersReached(reached, 5_000, AT, { tiers }).map(({ tier }) => tier)).toEqual(names);
  });

  it('are kept if the score falls below them', () => {
    expect(namesOf(0, ['Sprout'])).toEqual(['Sprout']);
  });
});

describe('a refresh of a user with grants', () => {
  let ledger: MemoryLedger;
  let scores: ScoresModel;
  let clock: Clock;
  let deps: ReturnType<typeof dependencies>;
  beforeEach(() => {
    ledger = new MemoryLedger();
    scores = new ScoresModel();
    clock = new Clock();
    deps = dependencies(new FactsModel(), scores, clock, grantsOf(ledger));
  });
  const refresh = () => refreshScore(deps, { username: ada, days: [] });
  const score = async () => (await scores.load(ada)).score!.score;
  const award = (id: string, points: number) => grantPoints(deps.grants, [anAward(id, points)]);
  const reverse = (grantId: string) =>
    reverseGrant(
      { ...deps.grants, clock: deps.clock, names: namesAsIds },
      { grantId, reason: 'a mistake', grantedBy: 'team' },
    );
  const badges = () => [...ledger.grants.keys()].filter((grantId) => grantId.startsWith('badge:tier-'));

  it('makes a user known who has only a grant', async () => {
    expect(await refresh()).toBe('unknown');
    await award('a1', 50);
    expect(await refresh()).toBe('saved');

    expect(await score()).toMatchObject({ canonicalScore: 50, activityScore: 0, tier: 'Seedling', tiersReached: [] });
  });

  it('shows awards, badges and feed posts as contributions, and the balance beside them', async () => {
    await grantPoints(deps.grants, [anAward('a1', 50), aFeedPost('p1')]);
    await refresh();
    const view = scoreView({ account: ada, username: 'ada' }, await score(), null);

    expect(view.scoreSources).toMatchObject({
      'award:a1': { category: 'award', source: 'award', points: 50 },
      'content:feed-post:p1': { category: 'content', source: 'feed', points: 100 },
    });
    const points = Object.values(view.scoreSources).map((source) => source.points);
    expect(points.reduce((sum, each) => sum + each, 0)).toBe(view.canonicalScore);
    expect(view.balance).toEqual({
      totalScore: 150,
      categoryTotals: { award: 50, content: 100 },
      sourceTotals: { award: 50, feed: 100 },
      grants: 2,
    });
    expect(view.older).toEqual({ count: 0, points: 0 });
  });

  it('explains them, with a reversed one as 0', async () => {
    await grantPoints(deps.grants, [anAward('a1', 50), aFeedPost('p1')]);
    await reverse('award:a1');
    await refresh();
    const { contributions, arithmetic } = explainView('ada', await score());

    expect(arithmetic).toBe(`${contributions.map(({ points }) => points).join(' + ')} = 100`);
    expect(contributions.find(({ key }) => key === 'award:a1')).toMatchObject({
      points: 0,
      inputs: { granted: 50, reversed: 1 },
      steps: [{ arithmetic: '50 - 50', value: 0 }],
    });
  });

  it('sums up the older ones beside the list', async () => {
    await grantPoints(
      deps.grants,
      Array.from({ length: 130 }, (_, n) => anAward(`m${n}`, 2)),
    );
    await refresh();
    const view = scoreView({ account: ada, username: 'ada' }, await score(), null);

    expect([view.canonicalScore, view.older]).toEqual([260, { count: 30, points: 60 }]);
    expect(explainView('ada', await score()).arithmetic).toMatch(/\+ 60 = 260$/);
  });

  it('records a tier once with its time, and grants its badge once', async () => {
    await award('a1', 1_200);
    await refresh();
    const reached = (await score()).tiersReached;
    expect(reached).toEqual([{ tier: 'Sprout', reachedAt: AT, hasBadge: false }]);
    expect(badges()).toEqual(['badge:tier-sprout:ada']);
    expect(ledger.grants.get('badge:tier-sprout:ada')?.line).toMatchObject({
      amount: 0,
      key: 'award:badge:tier-sprout',
    });

    clock.advanceDays(1);
    for (let times = 0; times < 3; times += 1) await refresh();
    expect((await score()).tiersReached).toEqual([{ tier: 'Sprout', reachedAt: AT, hasBadge: true }]);
    expect(badges()).toHaveLength(1);
    expect(
      scoreView({ account: ada, username: 'ada' }, await score(), null).scoreSources['award:badge:tier-sprout']?.points,
    ).toBe(0);
  });

  it('keeps a tier after a reversal, and does not record it again later', async () => {
    await award('a1', 1_200);
    await refresh();
    await reverse('award:a1');
    clock.advanceDays(1);
    await refresh();
    expect(await score()).toMatchObject({ canonicalScore: 0, tier: 'Seedling', tiersReached: [{ tier: 'Sprout' }] });

    await award('a2', 1_300);
    await refresh();
    expect(await score()).toMatchObject({ tier: 'Sprout', tiersReached: [{ tier: 'Sprout', reachedAt: AT }] });
    expect(badges()).toHaveLength(1);
  });

  it('records every tier that a jump passes', async () => {
    await award('a1', 26_000);
    await refresh();

    expect((await score()).tiersReached.map(({ tier }) => tier)).toEqual(['Sprout', 'Sapling', 'Tree']);
    expect(badges()).toEqual(['badge:tier-sprout:ada', 'badge:tier-sapling:ada', 'badge:tier-tree:ada']);
  });

  it('grants no badge for a tier whose save was refused', async () => {
    await award('a1', 1_200);
    const refused = {
      ...noTurns,
      load: scores.load.bind(scores),
      save: async () => 'stale' as const,
      dayRows: async () => [],
    };

    await expect(refreshScore({ ...deps, scores: refused }, { username: ada, days: [] })).rejects.toThrow();

    expect(badges()).toEqual([]);
  });

  it('grants the badge that an earlier refresh did not grant after saving the tier', async () => {
    await award('a1', 1_200);
    const failing = {
      balanceOf: ledger.balanceOf,
      find: ledger.find,
      append: () => Promise.reject(new Error('no store')),
    };
    const broken = { ...deps, grants: { ...deps.grants, ledger: failing } };
    await expect(refreshScore(broken, { username: ada, days: [] })).rejects.toThrow('no store');
    expect((await score()).tiersReached).toHaveLength(1);
    expect(badges()).toEqual([]);

    clock.advanceDays(1);
    await refresh();
    expect(badges()).toEqual(['badge:tier-sprout:ada']);
  });
});
