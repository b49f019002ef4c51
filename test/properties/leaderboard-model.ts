import fc from 'fast-check';
import type { Board } from '../../domain/leaderboards/board.ts';
import type { Layout } from '../../domain/leaderboards/layout.ts';
import type { Standing } from '../../domain/leaderboards/standings.port.ts';
import { ranked, WINDOWS, type BoardName, type Row } from '../../proof/model/boards.ts';
import { stepsOf } from '../../domain/scoring/score-steps.ts';
import { dayNumberOf, dateOfDayNumber } from '../../domain/shared/utc.ts';
import { aStanding } from '../builders/memory-leaderboards.ts';

/** The date on which all communities are ranked, and the time. */
const TODAY = '2026-08-21';
export const NOON = Date.parse(`${TODAY}T12:00:00.000Z`);

/** All scores of a user, oldest first. */
export type Member = {
  readonly username: string;
  readonly since: number;
  readonly saves: readonly { readonly daysAgo: number; readonly score: number }[];
};

const dateAgo = (days: number): string => dateOfDayNumber(dayNumberOf(TODAY) - days);

export function standingOf({ username, since, saves }: Member): Standing {
  const ages = Array.from({ length: 91 }, (_, index) => 91 - index);
  const scoreAgo = (days: number) => saves.findLast(({ daysAgo }) => daysAgo >= days)?.score ?? 0;
  const canonicalScore = scoreAgo(0);
  const steps = stepsOf(
    ages.map((days) => [dateAgo(days), scoreAgo(days)] as const),
    canonicalScore,
    { firstFact: null, told: scoreAgo(92) },
  );
  return aStanding(username, canonicalScore, { since, steps, tier: canonicalScore < 20 ? 'Seedling' : 'Sprout' });
}

const nameOf = (board: Board): BoardName => {
  const name = (Object.keys(WINDOWS) as BoardName[]).find((each) => each === board);
  if (name === undefined) throw new Error(`the model has no board ${board}`);
  return name;
};

/** The board by the rules, from the whole histories. */
export const bruteForce = (board: Board, members: readonly Member[]): readonly Row[] =>
  ranked(
    nameOf(board),
    TODAY,
    members.map(({ username, since, saves }) => {
      const scoreOn = (date: string) => saves.findLast(({ daysAgo }) => dateAgo(daysAgo) <= date)?.score ?? 0;
      return { username, since, canonicalScore: scoreOn(TODAY), scoreOn };
    }),
  );

/** The same from the steps of scores. */
export const bruteForceOf = (board: Board, date: string, standings: readonly Standing[]): readonly Row[] =>
  ranked(
    nameOf(board),
    date,
    standings.map(({ username, since, canonicalScore, steps }) => ({
      ...{ username, since, canonicalScore },
      scoreOn: (on) => steps.find(({ through }) => through >= on)?.score ?? canonicalScore,
    })),
  );

// Few different numbers, so that many users have the same; ages around the edges of windows, and beyond them.
const score = fc.oneof(fc.integer({ min: -5, max: 12 }), fc.integer({ min: 0, max: 60 }));
const daysAgo = fc.oneof(
  fc.constantFrom(0, 0, 1, 6, 7, 8, 89, 90, 91, 365, 400),
  fc.nat({ max: 10 }),
  fc.nat({ max: 200 }),
);
const saves = fc
  .array(fc.record({ daysAgo, score }), { minLength: 1, maxLength: 7 })
  .map((given) => given.toSorted((a, b) => b.daysAgo - a.daysAgo));
const since = fc.integer({ min: 0, max: 3 });
const username = fc.stringMatching(/^[a-d][a-d0-2._-]{0,2}$/);

const member: fc.Arbitrary<Member> = fc.record({ username, since, saves });

export const community = (maxLength = 60): fc.Arbitrary<Member[]> =>
  fc.uniqueArray(member, { selector: (each) => each.username, maxLength, size: 'max' });

/** Sizes that give many blocks for a few dozen users. */
export const layout: fc.Arbitrary<Layout> = fc
  .record({
    fewest: fc.constantFrom(1, 2, 2, 3, 3),
    isLean: fc.boolean(),
    bucket: fc.integer({ min: 1, max: 8 }),
    changes: fc.integer({ min: 0, max: 12 }),
  })
  .map(({ fewest, isLean, ...others }) => ({
    leaf: { fewest, filled: 3 * fewest, most: 4 * fewest, average: (isLean ? 1 : 2) * fewest },
    ...others,
  }));

/**
 * Changes of a community: some users leave, also some with the lowest ranks, some join, some have a new score today.
 */
export type Change = {
  readonly gone: readonly number[];
  readonly lowestGone: number;
  readonly came: readonly Member[];
  readonly scored: Scored;
};
type Scored = readonly { readonly who: number; readonly score: number; readonly since: number }[];

export const change = (most: number): fc.Arbitrary<Change> =>
  fc.record({
    gone: fc.array(fc.nat({ max: 99 }), { maxLength: Math.floor(most / 2) }),
    lowestGone: fc.nat({ max: Math.floor(most / 2) }),
    came: fc.uniqueArray(member, { selector: (each) => each.username, maxLength: Math.floor(most / 2) }),
    scored: fc.array(fc.record({ who: fc.nat({ max: 99 }), score, since }), { maxLength: most }),
  });

export function changed(members: readonly Member[], { gone, lowestGone, came, scored }: Change): Member[] {
  const next = new Map(members.map((each) => [each.username, each]));
  const nth = (index: number): Member | undefined => members[index % Math.max(1, members.length)];
  for (const { who, ...save } of scored) {
    const before = nth(who);
    if (before === undefined) continue;
    const newest = { daysAgo: 0, score: save.score };
    next.set(before.username, { ...before, since: save.since, saves: [...before.saves, newest] });
  }
  for (const each of came) next.set(each.username, each);
  const lowest = lowestGone === 0 ? [] : bruteForce('alltime', members).slice(-lowestGone);
  for (const each of lowest) next.delete(each.username);
  for (const index of gone) next.delete(nth(index)?.username ?? '');
  return [...next.values()];
}
