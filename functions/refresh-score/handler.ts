import { moveTotals, type Merge } from '../../domain/grants/move-totals.ts';
import type { AccountId } from '../../domain/identity/account.ts';
import { coalesce, refreshScore, type Refresh } from '../../domain/scoring/refresh-score.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { ScoreRefreshRequested } from '../../domain/messages/score-refresh.message.ts';
import { PUT_OFF_SECONDS, putOff } from '../../domain/scoring/turns.ts';
import { dynamoAppendBoth, dynamoGrantLedger } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoGrantLines } from '../adapters/dynamodb/grants/grant-lines.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/scoring/score-store.ts';
import { dynamoUserRegistry } from '../adapters/dynamodb/registry/user-registry.ts';
import { dynamoKeptChunks, dynamoUserTelemetry } from '../adapters/dynamodb/telemetry/user-telemetry.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { sqsSender } from '../adapters/sqs/queue.ts';
import { stoppedInTime } from '../runtime/deadline.ts';
import { clock, random, sleep, surroundings } from '../runtime/environment.ts';
import { logConflict } from '../runtime/log-conflict.ts';
import { logDateAhead } from '../runtime/log-date-ahead.ts';
import { logAndPublish } from '../runtime/log.ts';
import { sqsBatch } from '../runtime/sqs-batch.ts';
import { RefreshScoreEnv } from './env.ts';

/** The part of a request that the log needs. Its times are in the lag. */
const asked = ({ changedAt: _, changedBefore: __, ledger: ___, reports, registry, ...refresh }: Refresh) => ({
  ...refresh,
  ...(reports === true ? { reports } : {}),
  ...(registry === true ? { registry } : {}),
});

export const handler = sqsBatch({
  message: ScoreRefreshRequested,
  about: ({ username }) => username,
  parallel: 4,
  wire: () => {
    const env = RefreshScoreEnv.parse(process.env);
    const dynamodb = dynamodbClient('worker');
    const later = { delaySeconds: PUT_OFF_SECONDS };
    const sqs = sqsClient('worker');
    const grants = {
      ledger: dynamoGrantLedger(dynamodb, env.GRANTS_TABLE),
      lines: dynamoGrantLines(dynamodb, env.GRANTS_TABLE),
      rules: rulebook,
      reportConflict: logConflict,
      ...surroundings,
    };
    const tables = { grants: env.GRANTS_TABLE, scores: env.SCORES_TABLE };
    const appendBoth = dynamoAppendBoth(dynamodb, tables);
    return {
      telemetry: dynamoUserTelemetry(dynamodb, env.TELEMETRY_TABLE),
      keepChunks: dynamoKeptChunks(dynamodb, env.TELEMETRY_TABLE),
      registry: dynamoUserRegistry(dynamodb, env.REGISTRY_TABLE),
      scores: dynamoScoreStore(dynamodb, env.SCORES_TABLE),
      grants,
      moveTotals: (account: AccountId, merge: Merge) => moveTotals({ ...grants, appendBoth }, account, merge),
      requestRefreshes: sqsSender(sqs, env.SCORE_REFRESH_QUEUE_URL, { random, sleep }),
      ...surroundings,
      reportDateAhead: logDateAhead,
      requestLater: sqsSender(sqs, env.SCORE_REFRESH_QUEUE_URL, { random, sleep }, later),
    };
  },
  async onMessages({ requestLater, ...deps }, messages, isTimeUp) {
    const refresh = coalesce(messages);
    const outcome = await refreshScore(stoppedInTime(deps, isTimeUp), refresh);
    if (outcome === 'put-off') await requestLater([putOff(refresh)]);
    const { changedAt } = refresh;
    const isLagKnown = changedAt !== undefined && outcome !== 'put-off';
    logAndPublish(
      'refresh',
      { ...asked(refresh), outcome, messages: messages.length },
      isLagKnown ? [{ name: 'RefreshLag', value: clock() - Date.parse(changedAt), unit: 'Milliseconds' }] : [],
    );
  },
});
