import type { Construct } from 'constructs';
import { ConfirmPublishEnv } from '../../functions/confirm-publish/env.ts';
import { environmentOf } from '../environment.ts';
import { API_TIMEOUT, LaurelFunction } from '../laurel-function.ts';
import type { Foundation } from './foundation.ts';

/** Published versions, yanks, transfers and collectives. */
export function registry(scope: Construct, { stage, variables, may }: Foundation) {
  const confirmPublish = new LaurelFunction(scope, 'ConfirmPublish', {
    stage,
    role: 'confirm-publish',
    environment: environmentOf(ConfirmPublishEnv, variables),
    timeout: API_TIMEOUT,
  });
  confirmPublish.allow(may.makeAccounts, may.publish, may.appendPublishGrants, may.authenticate);
  return { confirmPublish };
}
