import { RecordAwardEnv } from '../../functions/record-award/env.ts';
import type { Foundation } from './foundation.ts';

/** Awards, badges and reversals. */
export function ledger({ may, behindApi }: Foundation) {
  const recordAward = behindApi('RecordAward', 'record-award', RecordAwardEnv);
  recordAward.allow(may.makeAccounts, may.appendGrants, may.authenticate);
  return { recordAward };
}
