import { aCommunity } from '../builders/community.ts';
import type { Answers } from './pages-under-test.ts';

/** What the API answers of a board, and of an account. */

export const row = (rank: number, more: object = {}) => ({
  rank,
  username: `user-${rank}`,
  points: 10_000 - rank,
  canonicalScore: 10_000 - rank,
  tier: 'Sprout',
  change: rank % 3 === 0 ? null : 1,
  ...more,
});
export const board = (rows: readonly object[], more: object = {}) => ({
  board: 'alltime',
  asOf: '2026-08-21T11:00:00.000Z',
  rows,
  total: rows.length,
  ...more,
});
export const score = {
  username: 'ada',
  canonicalScore: 1_250,
  activityScore: 250,
  tier: 'Sprout',
  tiersReached: [{ tier: 'Sprout', reachedAt: '2026-08-20T10:00:00.000Z' }],
  nextTier: { name: 'Sapling', missing: 3_750 },
  rank: 7,
  asOf: '2026-08-21T11:00:00.000Z',
  scoreSources: {},
  balance: { totalScore: 1_000, categoryTotals: {}, sourceTotals: {}, grants: 1 },
  older: { count: 0, points: 0 },
  rulesVersion: '1',
  refreshedAt: '2026-08-21T11:00:00.000Z',
};
const line = (reason: string) => ({
  grantId: 'award:talk',
  key: 'award:talk',
  category: 'award',
  source: 'award',
  amount: 1_000,
  reason,
  grantedBy: reason,
  grantedAt: '2026-08-20T10:00:00.000Z',
  seq: 1,
  balanceAfter: 1_000,
  rulesVersion: '1',
  previousHash: null,
  hash: 'a'.repeat(64),
});
export const person = (reason = 'Gave a talk'): Answers => ({
  '/v1/scores/ada/grants': { grants: [line(reason)] },
  '/v1/scores/ada/explain': {
    username: 'ada',
    date: '2026-08-21',
    rulesVersion: '1',
    canonicalScore: 1_250,
    arithmetic: '250 + 1000 = 1250',
    contributions: [
      {
        key: 'telemetry:activity',
        category: 'activity',
        source: 'cli',
        points: 250,
        inputs: {},
        steps: [{ label: 'points', arithmetic: 'min(250, 10 × 99)', value: 250, cappedAt: 250 }],
      },
      { key: 'award:talk', category: 'award', source: 'award', points: 1_000, inputs: {}, steps: [] },
    ],
    older: { count: 0, points: 0 },
    nextChangeOn: null,
  },
  '/v1/scores/ada/history': { days: [{ date: '2026-08-21', canonicalScore: 1_250 }] },
  '/v1/scores/ada': score,
});

const DAY_MS = 86_400_000;

/** What the API answers of a community of 10,000 and of one of them, who has done much. */
export function thousands(now: number): Answers {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  const daysOf = (count: number) => Array.from({ length: count }, (_, day) => today - (count - 1 - day) * DAY_MS);
  const dateOf = (time: number) => new Date(time).toISOString().slice(0, 10);
  const many = Array.from({ length: 50 }, (_, index) => row(index + 1));
  const values = daysOf(365).map((_, day) => 9_636 + day);
  const period = { period_start: today - DAY_MS, period_end: today, event_count: 10_000, value_count: 10_000 };
  const compared = Object.fromEntries(
    ['active_members', 'cli_invocations', 'active_devices', 'points_granted'].map((field) => [
      field,
      { older: period, newer: period },
    ]),
  );
  const { rules } = aCommunity();
  const events = Array.from({ length: 40 }, (_, index) => ({ ...rules.events[0], key: `k:${index}`, cap: 10_000 }));
  return {
    ...person(),
    '/v1/scores/ada/grants': {
      grants: Array.from({ length: 100 }, (_, index) => ({
        ...line('Gave a talk'),
        grantId: `award:${index}`,
        seq: 10_000 - index,
        balanceAfter: 10_000_000 - 1_000 * index,
      })),
      next: '9901',
    },
    '/v1/scores/ada/history': {
      days: daysOf(366).map((time, day) => ({ date: dateOf(time), canonicalScore: 27 * day })),
    },
    '/v1/scores/ada': { ...score, rank: 10_000 },
    '/v1/leaderboards': board(many, { total: 10_000, next: 'page-2', tiers: { Sprout: 9_000, Laurel: 1_000 } }),
    '/v1/rules': { inForce: '1', versions: [{ version: '1', since: null, rules: { ...rules, events } }] },
    '/community-metrics/series': {
      steps_start_times: daysOf(365),
      ...Object.fromEntries([...Object.keys(compared), 'members', 'total_score'].map((field) => [field, values])),
    },
    '/community-metrics/by-hour': {
      metric: 'CLI_INVOCATION',
      steps_start_times: daysOf(90).flatMap((day) => Array.from({ length: 24 }, (_, hour) => day + hour * 3_600_000)),
      values: Array.from({ length: 90 * 24 }, (_, hour) => (hour * 7) % 400),
    },
    '/community-metrics/extensions': {
      count: 10_000,
      page: 1,
      next: true,
      data: Array.from({ length: 10 }, (_, index) => ({
        extension: `@a-long-scope/a-rather-long-name/of-an-extension-${index}`,
        publisher: `user-${index}`,
        versions: 10_000,
        pulls: 10_000_000,
        first_published: today,
        last_published: today,
      })),
    },
    '/community-metrics': compared,
  };
}
