import { measureAccounts } from './accounts.ts';
import { measureBackfills } from './backfill.ts';
import { measureBoards } from './boards.ts';
import { measureBundles } from './bundles.ts';
import { measureHandlerCalls } from './handler-calls.ts';
import { measureHostileNames } from './hostile-names.ts';
import { measureHttpLoad } from './http-load.ts';
import { measureLocalCosts } from './local-costs.ts';
import { measureImports } from './import.ts';
import { measureIngest } from './ingest.ts';
import { measureHandlerCpu, measureThroughput } from './ingest-speed.ts';
import type { Measurements } from './measurements.ts';
import { measureLedger } from './ledger.ts';
import { measureLimits } from './limits.ts';
import { measureMetrics } from './metrics.ts';
import { measureMidnight } from './midnight.ts';
import { measurePartitions } from './partitions.ts';
import { measurePages } from './pages.ts';
import { measurePrice } from './price.ts';
import { measurePublishes } from './publish.ts';
import { measureQueueRequests } from './queue-requests.ts';
import { measureRefreshes } from './refresh.ts';
import { measureLargeHours } from './roll-ups.ts';
import { measureTrials } from './rules-trial.ts';
import type { Sizes } from './sizes.ts';
import { measureTimeouts } from './timeouts.ts';

/** All topics, in the order of the table. A new topic is one entry here. */
export const TOPICS: Readonly<Record<string, (sizes: Sizes) => Promise<Measurements>>> = {
  ingest: measureIngest,
  import: measureImports,
  queue: measureQueueRequests,
  refresh: measureRefreshes,
  midnight: measureMidnight,
  timeouts: measureTimeouts,
  names: measureHostileNames,
  ledger: measureLedger,
  publish: measurePublishes,
  accounts: measureAccounts,
  backfill: measureBackfills,
  metrics: measureMetrics,
  hours: measureLargeHours,
  boards: measureBoards,
  limits: measureLimits,
  partitions: measurePartitions,
  rules: measureTrials,
  throughput: measureThroughput,
  cpu: measureHandlerCpu,
  calls: measureHandlerCalls,
  bundles: measureBundles,
  pages: measurePages,
  http: measureHttpLoad,
  local: measureLocalCosts,
  price: measurePrice,
};
