import { ConfirmPublishEnv } from '../../functions/confirm-publish/env.ts';
import type { Foundation } from './foundation.ts';

/** Published versions, yanks, transfers and collectives. */
export function registry({ may, behindApi }: Foundation) {
  const confirmPublish = behindApi('ConfirmPublish', 'confirm-publish', ConfirmPublishEnv);
  confirmPublish.allow(may.makeAccounts, may.publish, may.appendPublishGrants, may.authenticate);
  return { confirmPublish };
}
