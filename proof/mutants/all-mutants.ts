import { changeFeedMutants } from './change-feed.ts';
import { accountMutants } from './accounts.ts';
import { backfillMutants } from './backfill.ts';
import { consistencyCheckMutants } from './consistency-check.ts';
import { edgeMutants } from './edge.ts';
import { hookMutants } from './hooks.ts';
import { leaderboardMutants } from './leaderboards.ts';
import { ledgerMutants } from './ledger.ts';
import type { Mutant } from './mutant.ts';
import { pageMutants } from './pages.ts';
import { registryMutants } from './registry.ts';
import { rollupMutants } from './rollups.ts';
import { runningMutants } from './running.ts';
import { scoreMutants } from './scores.ts';
import { simulatedMutants } from './simulated.ts';
import { telemetryMutants } from './telemetry.ts';

/** All guards, each removed in turn. */
export const allMutants: readonly Mutant[] = [
  ...runningMutants, // first, because they take longest
  ...simulatedMutants,
  ...telemetryMutants,
  ...changeFeedMutants,
  ...scoreMutants,
  ...ledgerMutants,
  ...registryMutants,
  ...backfillMutants,
  ...rollupMutants,
  ...leaderboardMutants,
  ...consistencyCheckMutants,
  ...hookMutants,
  ...accountMutants,
  ...edgeMutants,
  ...pageMutants,
];
