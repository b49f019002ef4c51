import type { Construct } from 'constructs';
import { ReadApiEnv } from '../../functions/read-api/env.ts';
import { ServePagesEnv } from '../../functions/serve-pages/env.ts';
import { environmentOf } from '../environment.ts';
import { API_TIMEOUT, LaurelFunction } from '../laurel-function.ts';
import type { Foundation } from './foundation.ts';

/** All public reads, as JSON and as pages. They use projections and the ledger, never facts. */
export function reads(scope: Construct, { stage, variables, may }: Foundation) {
  const timeout = API_TIMEOUT;
  const [readApi, servePages] = [
    new LaurelFunction(scope, 'ReadApi', {
      stage,
      role: 'read-api',
      environment: environmentOf(ReadApiEnv, variables),
      timeout,
    }),
    new LaurelFunction(scope, 'ServePages', {
      stage,
      role: 'serve-pages',
      environment: environmentOf(ServePagesEnv, variables),
      timeout,
    }),
  ];
  for (const reader of [readApi, servePages]) {
    reader.allow(may.readNames, may.listNames, may.readScores, may.readRollUps, may.readBoards);
    reader.allow(may.readBalances, may.readLines);
  }
  return { readApi, servePages };
}
