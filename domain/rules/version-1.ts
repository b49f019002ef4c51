import { ScoringRules } from './scoring-rules.ts';

export const rulesVersion1 = ScoringRules.parse({
  version: '1',
  activity: {
    groups: [
      { name: 'model', commands: ['model', 'data', 'vault', 'datastore'], points: 10, cap: 2_000 },
      { name: 'workflow', commands: ['workflow', 'run', 'serve'], points: 15, cap: 3_000 },
      { name: 'extension', commands: ['extension'], points: 20, cap: 2_000 },
      { name: 'repo', commands: ['repo', 'init', 'source', 'auth'], points: 5, cap: 500 },
    ],
    otherCommands: { points: 1, cap: 250 },
    diversityPoints: 50,
    streak: { basisPointsPerDay: 100, maximum: 5_000 },
    window: { days: 28, basisPoints: 5_000 },
  },
  issues: { points: 50, cap: 1_000 },
  signIns: { points: 10, cap: 1_000 },
  publishes: { points: 500, cap: 5_000 },
  pulls: { points: 5, cap: 500 },
  feedPosts: { points: 100 },
  tiers: [
    { name: 'Seedling', from: 0 },
    { name: 'Sprout', from: 1_000 },
    { name: 'Sapling', from: 5_000 },
    { name: 'Tree', from: 25_000 },
    { name: 'Grove', from: 100_000 },
    { name: 'Forest', from: 500_000 },
  ],
});
