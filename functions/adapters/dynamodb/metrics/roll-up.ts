import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { RollUpDeps } from '../../../../domain/metrics/roll-up.ts';
import { diskSorter } from '../../disk/external-sorter.ts';
import { dynamoAccounts } from '../identity/accounts.ts';
import { dynamoHourFacts } from './hour-facts.ts';
import { dynamoRegistry } from '../registry/registry.ts';
import { dynamoRollupStore } from './rollup-store.ts';
import { dynamoScoreTotals } from './score-totals.ts';

export type RollUpTables = {
  readonly accounts: string;
  readonly telemetry: string;
  readonly grants: string;
  readonly registry: string;
  readonly scores: string;
  readonly rollups: string;
};

type Surroundings = Pick<RollUpDeps, 'clock' | 'random' | 'sleep' | 'sha256'> &
  // Whole days and requests without a time are never put off.
  Partial<Pick<RollUpDeps, 'requestLater'>>;
const putsNothingOff = () => Promise.reject(new Error('there is no queue for an hour that is not due'));

/** Everything that a rollup reads and writes, for each function that makes one. */
export const dynamoRollUp = (client: DynamoDBClient, tables: RollUpTables, surroundings: Surroundings): RollUpDeps => ({
  facts: dynamoHourFacts(client, tables, surroundings),
  accounts: dynamoAccounts(client, tables.accounts, surroundings),
  registry: dynamoRegistry(client, tables),
  rollups: dynamoRollupStore(client, tables.rollups, surroundings),
  newSorter: diskSorter(),
  scoreTotals: dynamoScoreTotals(client, tables.scores),
  requestLater: putsNothingOff,
  ...surroundings,
});
