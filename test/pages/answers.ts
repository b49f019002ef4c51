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
export const line = (reason: string) => ({
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
