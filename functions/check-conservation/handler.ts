import {
  checkConsistency,
  type ConsistencyDeps,
  type TimeLeft,
} from '../../domain/consistency-check/check-consistency.ts';
import { dynamoCheckNotes } from '../adapters/dynamodb/consistency-check/check-notes.ts';
import { readConsistencyEvent, type ConsistencyRequest } from '../../domain/consistency-check/consistency-event.ts';
import type { ConsistencyDifference, ConsistencyReport } from '../../domain/consistency-check/consistency-report.ts';
import { AccountId } from '../../domain/identity/account.ts';
import { accountsAsked, type AccountNames } from '../../domain/identity/account-names.ts';
import type { Username } from '../../domain/identity/username.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoGrantLines } from '../adapters/dynamodb/grants/grant-lines.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/scoring/score-store.ts';
import { dynamoUserPlaces } from '../adapters/dynamodb/consistency-check/user-places.ts';
import { dynamoUserRegistry } from '../adapters/dynamodb/registry/user-registry.ts';
import { dynamoUserTelemetry } from '../adapters/dynamodb/telemetry/user-telemetry.ts';
import { isQueueEmpty } from '../adapters/sqs/is-queue-empty.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { clock, random, sha256, sleep, surroundings } from '../runtime/environment.ts';
import { InvalidEventError, InvocationContext } from '../runtime/invocation.ts';
import { logger, publish } from '../runtime/log.ts';
import { once } from '../runtime/once.ts';
import { CheckConservationEnv } from './env.ts';

/**
 * Of the 15 minutes of an invocation, new users are looked at in the first three and a half. Then there are eight in
 * which a difference must last, and it ends before the twelfth, from which on it would count as near its timeout.
 */
const LEFT_TO_BEGIN_MS = 11.5 * 60_000;
const LEFT_TO_WAIT_MS = 3.25 * 60_000;

const wired = once((): ConsistencyDeps & { readonly names: AccountNames } => {
  const env = CheckConservationEnv.parse(process.env);
  const dynamodb = dynamodbClient('worker');
  const sqs = sqsClient('worker');
  const tables = { telemetry: env.TELEMETRY_TABLE, scores: env.SCORES_TABLE, grants: env.GRANTS_TABLE };
  return {
    telemetry: dynamoUserTelemetry(dynamodb, env.TELEMETRY_TABLE),
    registry: dynamoUserRegistry(dynamodb, env.REGISTRY_TABLE),
    scores: dynamoScoreStore(dynamodb, env.SCORES_TABLE),
    ledger: { lines: dynamoGrantLines(dynamodb, env.GRANTS_TABLE), random, sleep },
    places: dynamoUserPlaces(dynamodb, tables),
    // A backfill saves metrics some time before it asks for their scores.
    areQueuesEmpty: async () =>
      (await isQueueEmpty(sqs, env.BACKFILL_QUEUE_URL)) && (await isQueueEmpty(sqs, env.SCORE_REFRESH_QUEUE_URL)),
    names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
    notes: dynamoCheckNotes(dynamodb, env.RUNS_TABLE),
    reportFailure: (account, error) => logger.warn('user could not be read', { username: account, error }),
    clock,
    sleep,
    sha256,
  };
});

async function byAccounts({ of, ...request }: ConsistencyRequest<Username>): Promise<ConsistencyRequest> {
  if (of.sample !== 'named') return { ...request, of };
  return { ...request, of: { ...of, usernames: await accountsAsked(wired().names, of.usernames) } };
}

async function withNames(report: ConsistencyReport): Promise<ConsistencyReport> {
  const accountOf = ({ username }: ConsistencyDifference) => AccountId.parse(username);
  const nameOf = await wired().names.namesOf(report.differences.map(accountOf));
  return { ...report, differences: report.differences.map((each) => ({ ...each, username: nameOf(accountOf(each)) })) };
}

/** Invoked by its schedule and by operators: `{}` checks this hour's sample. */
export async function handler(event: unknown, context: unknown): Promise<ConsistencyReport> {
  const { getRemainingTimeInMillis } = InvocationContext.parse(context);
  const timeLeft: TimeLeft = {
    toBegin: () => getRemainingTimeInMillis() > LEFT_TO_BEGIN_MS,
    toWait: () => getRemainingTimeInMillis() > LEFT_TO_WAIT_MS,
  };
  const request = readConsistencyEvent(event);
  if (!request.ok) throw new InvalidEventError(request.error);
  const checked = await checkConsistency(wired(), await byAccounts(request.value), timeLeft);
  if (!checked.ok) throw new InvalidEventError(checked.error);

  const report = await withNames(checked.value);
  if (report.ok) logger.info('conservation', report);
  else logger.error('conservation', report);
  // A run with its own limit for how long a difference must last sets off no alarm, and ends none.
  if (report.remembered === null) return report;
  publish([
    // A check of a few named users must not pass for the hourly one.
    ...(report.sample === 'named'
      ? []
      : [{ name: 'ConservationChecked', value: report.checked, unit: 'Count' } as const]),
    // All users who differ, not only users of this sample: the alarm stays until each of them is right.
    { name: 'ConservationDifferent', value: report.remembered, unit: 'Count' },
    { name: 'ConservationUnsettled', value: report.unsettled, unit: 'Count' },
  ]);
  return report;
}
