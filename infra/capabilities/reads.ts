import type { Construct } from 'constructs';
import { ReadApiEnv } from '../../functions/read-api/env.ts';
import { environmentOf } from '../environment.ts';
import { API_TIMEOUT, LaurelFunction } from '../laurel-function.ts';
import type { Foundation } from './foundation.ts';

/** Everything that the public reads: from projections and the ledger, never from facts. */
export function reads(scope: Construct, { stage, variables, may }: Foundation) {
  const readApi = new LaurelFunction(scope, 'ReadApi', {
    stage,
    role: 'read-api',
    environment: environmentOf(ReadApiEnv, variables),
    timeout: API_TIMEOUT,
  });
  readApi.allow(may.readScores, may.readRollUps, may.readBoards, may.readBalances, may.readLines);
  return { readApi };
}
