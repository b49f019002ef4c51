import { ReadApiEnv } from '../../functions/read-api/env.ts';
import { ServePagesEnv } from '../../functions/serve-pages/env.ts';
import type { Foundation } from './foundation.ts';

/** All public reads, as JSON and as pages. They use projections and the ledger, never facts. */
export function reads({ may, behindApi }: Foundation) {
  const readApi = behindApi('ReadApi', 'read-api', ReadApiEnv);
  const servePages = behindApi('ServePages', 'serve-pages', ServePagesEnv);
  for (const reader of [readApi, servePages]) {
    reader.allow(may.readNames, may.listNames, may.readScores, may.readRollUps, may.readBoards);
    reader.allow(may.readBalances, may.readLines);
  }
  return { readApi, servePages };
}
