import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { EraseAccountsEnv } from '../../functions/erase-accounts/env.ts';
import { ExportAccountEnv } from '../../functions/export-account/env.ts';
import { ManageAccountsEnv } from '../../functions/manage-accounts/env.ts';
import { ManageKeysEnv } from '../../functions/manage-keys/env.ts';
import { environmentOf } from '../environment.ts';
import { sendTo } from '../policies.ts';
import { QueueWorker } from '../queue-worker.ts';
import type { Foundation } from './foundation.ts';

/** The function stops well before this, and continues in another invocation. */
const ERASE_TIMEOUT = Duration.minutes(5);

/** API keys and their accounts. */
export function identity(scope: Construct, { stage, variables, may, behindApi }: Foundation) {
  const manageKeys = behindApi('ManageKeys', 'manage-keys', ManageKeysEnv);
  manageKeys.allow(may.makeAccounts, may.keepKeys, may.setMembers);

  const manageAccounts = behindApi('ManageAccounts', 'manage-accounts', ManageAccountsEnv);
  manageAccounts.allow(may.keepAccounts, may.readBalances, may.authenticate);

  // A separate function, because no other one may read everything of an account.
  const exportAccount = behindApi('ExportAccount', 'export-account', ExportAccountEnv);
  exportAccount.allow(may.exportAccounts, may.authenticate);

  // A separate function, because no other one may remove what is stored of an account.
  const { queue: erase, worker } = new QueueWorker(scope, 'EraseAccounts', {
    stage,
    role: 'erase-accounts',
    queueRole: 'erase',
    environment: (queue) => environmentOf(EraseAccountsEnv, { ...variables, ERASE_QUEUE_URL: queue.queueUrl }),
    timeout: ERASE_TIMEOUT,
    isOneByOne: true,
    feedsItself: true,
    maxConcurrency: 2,
  });
  worker.allow(may.eraseAccounts, sendTo(erase));
  return { exportAccount, manageKeys, manageAccounts, erase };
}
export type Identity = ReturnType<typeof identity>;
