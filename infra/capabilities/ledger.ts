import type { Construct } from 'constructs';
import { RecordAwardEnv } from '../../functions/record-award/env.ts';
import { environmentOf } from '../environment.ts';
import { API_TIMEOUT, LaurelFunction } from '../laurel-function.ts';
import type { Foundation } from './foundation.ts';

/** Awards, badges and reversals. */
export function ledger(scope: Construct, { stage, variables, may }: Foundation) {
  const recordAward = new LaurelFunction(scope, 'RecordAward', {
    stage,
    role: 'record-award',
    environment: environmentOf(RecordAwardEnv, variables),
    timeout: API_TIMEOUT,
  });
  recordAward.allow(may.makeAccounts, may.appendGrants, may.authenticate);
  return { recordAward };
}
