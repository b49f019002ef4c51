import { runErasure, type ErasureDeps } from '../../domain/identity/run-erasure.ts';
import { EraseRequested } from '../../domain/identity/erase.message.ts';
import { dynamoErasure } from '../adapters/dynamodb/erasure/account-erasure.ts';
import { sqsSender } from '../adapters/sqs/queue.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { surroundings } from '../runtime/environment.ts';
import { logger } from '../runtime/log.ts';
import { sqsBatch } from '../runtime/sqs-batch.ts';
import { EraseAccountsEnv } from './env.ts';

/** A function of its own: no other one may remove what is stored of an account, or the texts of a line. */
export const handler = sqsBatch({
  message: EraseRequested,
  about: ({ account }) => account,
  parallel: 1,
  wire: (): ErasureDeps => {
    const env = EraseAccountsEnv.parse(process.env);
    const tables = {
      accounts: env.ACCOUNTS_TABLE,
      credentials: env.CREDENTIALS_TABLE,
      telemetry: env.TELEMETRY_TABLE,
      registry: env.REGISTRY_TABLE,
      grants: env.GRANTS_TABLE,
      scores: env.SCORES_TABLE,
      leaderboards: env.LEADERBOARDS_TABLE,
      rollups: env.ROLLUPS_TABLE,
    };
    const sqs = sqsClient('worker');
    return {
      ...dynamoErasure(dynamodbClient('worker'), tables, surroundings),
      goOn: (request, delaySeconds) => sqsSender(sqs, env.ERASE_QUEUE_URL, surroundings, { delaySeconds })([request]),
    };
  },
  async onMessages(deps, messages, isTimeUp) {
    for (const request of messages) {
      const outcome = await runErasure(deps, request, () => !isTimeUp());
      logger.info('erasure', { ...request, outcome });
    }
  },
});
