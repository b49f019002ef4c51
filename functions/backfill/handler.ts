import * as z from 'zod/mini';
import { readBackfillEvent, type BackfillRefusal } from '../../domain/backfill/backfill-event.ts';
import type { BackfillReport } from '../../domain/backfill/backfill-run.ts';
import { runBackfill, type BackfillDeps, type HasTime, type RunSeed } from '../../domain/backfill/run-backfill.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { rollUpDay } from '../../domain/metrics/roll-up.ts';
import { refoldHistory } from '../../domain/scoring/refold-history.ts';
import { refoldMetrics } from '../../domain/scoring/refold-metrics.ts';
import { computedByNow } from '../../domain/scoring/user-metrics.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoBackfillRuns } from '../adapters/dynamodb/backfill/backfill-runs.ts';
import { dynamoGrantLines } from '../adapters/dynamodb/grants/grant-lines.ts';
import { dynamoGrantLedger } from '../adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoRollUp } from '../adapters/dynamodb/metrics/roll-up.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/scoring/score-store.ts';
import { dynamoUserRegistry } from '../adapters/dynamodb/registry/user-registry.ts';
import { dynamoUsernameSources } from '../adapters/dynamodb/backfill/username-sources.ts';
import { dynamoUserTelemetry } from '../adapters/dynamodb/telemetry/user-telemetry.ts';
import { sqsSender } from '../adapters/sqs/queue.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { clock, random, randomToken, sha256, sleep, surroundings } from '../runtime/environment.ts';
import { InvocationContext } from '../runtime/invocation.ts';
import { logger, publishFailedItems } from '../runtime/log.ts';
import { once } from '../runtime/once.ts';
import { BackfillEnv } from './env.ts';

/**
 * An invocation takes up no more work with less time than this left: it must finish the slowest user and a checkpoint.
 */
const KEPT_BACK_MS = 90_000;

const Delivery = z.object({
  messageId: z.string(),
  body: z.string(),
  attributes: z.object({ SentTimestamp: z.string().check(z.regex(/^\d+$/)) }),
});
const Deliveries = z.object({ Records: z.array(Delivery) });

/** Its name tells what is wrong: the caller of the function sees it as `errorType`. */
class RefusedBackfillError extends Error {
  override readonly name: string;

  constructor({ kind, sentence }: BackfillRefusal) {
    super(sentence);
    this.name = {
      'invalid-event': 'InvalidEvent',
      'unknown-run': 'UnknownRun',
    }[kind];
  }
}

const wired = once((): BackfillDeps & { readonly names: AccountNames } => {
  const env = BackfillEnv.parse(process.env);
  const dynamodb = dynamodbClient('worker');
  const sqs = sqsClient('worker');
  const continueLater = sqsSender(sqs, env.BACKFILL_QUEUE_URL, { random, sleep });
  const scores = dynamoScoreStore(dynamodb, env.SCORES_TABLE);
  const ledger = dynamoGrantLedger(dynamodb, env.GRANTS_TABLE);
  const refolding = {
    telemetry: dynamoUserTelemetry(dynamodb, env.TELEMETRY_TABLE),
    registry: dynamoUserRegistry(dynamodb, env.REGISTRY_TABLE),
    scores,
    balances: ledger,
    clock,
    random,
    sleep,
    sha256,
  };
  const lines = dynamoGrantLines(dynamodb, env.GRANTS_TABLE);
  const refoldingHistory = { ...refolding, history: scores, lines };
  const tables = {
    accounts: env.ACCOUNTS_TABLE,
    telemetry: env.TELEMETRY_TABLE,
    scores: env.SCORES_TABLE,
    grants: env.GRANTS_TABLE,
    registry: env.REGISTRY_TABLE,
    rollups: env.ROLLUPS_TABLE,
  };
  const rollUp = dynamoRollUp(dynamodb, tables, { clock, random, sleep, sha256 });
  return {
    runs: dynamoBackfillRuns(dynamodb, env.RUNS_TABLE, { random, sleep, randomToken }),
    sources: dynamoUsernameSources(dynamodb, tables, computedByNow(sha256)),
    refold: (account, options) => refoldMetrics(refolding, account, options),
    refoldHistory: (account, range) => refoldHistory(refoldingHistory, account, range),
    async rollUpDay(date) {
      await rollUpDay(rollUp, date, null);
    },
    requestRefreshes: sqsSender(sqs, env.SCORE_REFRESH_QUEUE_URL, { random, sleep }),
    continueLater: (continuation) => continueLater([continuation]),
    names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
    reportFailure: (account, error) => logger.error('user could not be recomputed', { username: account, error }),
    reportStuck: (runId) => logger.error('run makes no progress: the schedule takes it up again', { runId }),
    clock,
    randomToken,
  };
});

/** The same with the names of the accounts. */
async function withNames(report: BackfillReport) {
  const { unknownUsernames: unknown, failedUsernames: failed } = report;
  const nameOf = await wired().names.namesOf([...unknown, ...failed]);
  return { ...report, unknownUsernames: unknown.map(nameOf), failedUsernames: failed.map(nameOf) };
}

async function backfill(event: unknown, hasTime: HasTime, seed?: RunSeed) {
  const request = readBackfillEvent(event);
  if (!request.ok) throw new RefusedBackfillError(request.error);
  const report = await runBackfill(wired(), request.value, seed === undefined ? { hasTime } : { hasTime, seed });
  if (!report.ok) throw new RefusedBackfillError(report.error);
  logger.info('backfill', report.value);
  return withNames(report.value);
}

/**
 * Invoked by hand, it answers the run's report, and throws on an event that it refuses. Its queue feeds it the
 * schedules' events and its own continuations. Then it reports single failures, which end in the dead-letter queue.
 */
export async function handler(event: unknown, context: unknown) {
  const { getRemainingTimeInMillis } = InvocationContext.parse(context);
  const hasTime: HasTime = () => getRemainingTimeInMillis() > KEPT_BACK_MS;
  const delivered = Deliveries.safeParse(event);
  if (!delivered.success) return backfill(event, hasTime);

  const batchItemFailures: { readonly itemIdentifier: string }[] = [];
  for (const { messageId, body, attributes } of delivered.data.Records) {
    try {
      const message: unknown = JSON.parse(body);
      await backfill(message, hasTime, { at: Number(attributes.SentTimestamp), token: messageId });
    } catch (error) {
      logger.error('message failed', { messageIds: [messageId], error });
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  publishFailedItems(batchItemFailures.length);
  return { batchItemFailures };
}
