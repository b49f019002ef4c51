import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { coalesce, refreshScore } from '../../domain/scoring/refresh-score.ts';
import { ScoreRefreshRequested } from '../../domain/scoring/score-refresh.message.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/score-store.dynamodb.ts';
import { dynamoUserReports } from '../adapters/dynamodb/user-reports.dynamodb.ts';
import { dynamoUserTelemetry } from '../adapters/dynamodb/user-telemetry.dynamodb.ts';
import { clock, random, sha256, sleep } from '../runtime/environment.ts';
import { logger, publish } from '../runtime/log.ts';
import { sqsBatch } from '../runtime/sqs-batch.ts';
import { RefreshScoreEnv } from './env.ts';

export const handler = sqsBatch({
  message: ScoreRefreshRequested,
  about: ({ username }) => username,
  parallel: 4,
  wire: () => {
    const env = RefreshScoreEnv.parse(process.env);
    const dynamodb = new DynamoDBClient();
    return {
      telemetry: dynamoUserTelemetry(dynamodb, env.TELEMETRY_TABLE),
      reports: dynamoUserReports(dynamodb, env.TELEMETRY_TABLE),
      scores: dynamoScoreStore(dynamodb, env.SCORES_TABLE),
      clock,
      random,
      sleep,
      sha256,
    };
  },
  async onMessages(deps, messages) {
    const refresh = coalesce(messages);
    const outcome = await refreshScore(deps, refresh);
    logger.info('refresh', { ...refresh, outcome, messages: messages.length });
    const lags = messages.flatMap(({ changedAt }) =>
      changedAt === undefined ? [] : [clock() - Date.parse(changedAt)],
    );
    if (lags.length > 0) publish([{ name: 'RefreshLag', value: Math.max(...lags), unit: 'Milliseconds' }]);
  },
});
