import * as z from 'zod/mini';
import { RollUpRequested } from '../../domain/messages/roll-up.message.ts';
import { openDates, rollUpDay, rollUpDays, sampleGauges, type RollUpDeps } from '../../domain/metrics/roll-up.ts';
import { renewNames } from '../../domain/metrics/extension-summary.ts';
import { countWeeksOf } from '../../domain/metrics/weeks.ts';
import { dateOfHour } from '../../domain/shared/utc.ts';
import { dynamoRollUp } from '../adapters/dynamodb/metrics/roll-up.ts';
import { sqsSender } from '../adapters/sqs/queue.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { clock, random, sha256, sleep } from '../runtime/environment.ts';
import { logger } from '../runtime/log.ts';
import { logDateAhead } from '../runtime/log-date-ahead.ts';
import { once } from '../runtime/once.ts';
import { sqsBatch } from '../runtime/sqs-batch.ts';
import { RollUpMetricsEnv } from './env.ts';

const wired = once((): RollUpDeps => {
  const env = RollUpMetricsEnv.parse(process.env);
  const tables = {
    accounts: env.ACCOUNTS_TABLE,
    telemetry: env.TELEMETRY_TABLE,
    grants: env.GRANTS_TABLE,
    registry: env.REGISTRY_TABLE,
    scores: env.SCORES_TABLE,
    rollups: env.ROLLUPS_TABLE,
  };
  const sqs = sqsClient('worker');
  const requestLater: RollUpDeps['requestLater'] = (delaySeconds, request) =>
    sqsSender(sqs, env.ROLL_UP_QUEUE_URL, { random, sleep }, { delaySeconds })([request]);
  return dynamoRollUp(dynamodbClient('worker'), tables, { clock, random, sleep, sha256, requestLater });
});

const drain = sqsBatch({
  message: RollUpRequested,
  about: ({ hour }) => dateOfHour(hour),
  parallel: 1, // a fold has the memory for itself
  wire: wired,
  async onMessages(deps, messages) {
    const outcome = await rollUpDay(deps, dateOfHour(messages[0].hour), messages);
    for (const hour of outcome.ahead) logDateAhead('rollup', hour);
    await countWeeksOf(deps, deps.clock());
    await renewNames(deps);
    const sample = await sampleGauges(deps, { isForced: false });
    logger.info('rollup', { ...outcome, sample, messages: messages.length });
  },
});

const Delivery = z.object({ Records: z.array(z.unknown()) });
const WholeWork = z.strictObject({});

/**
 * Its queue feeds it: it then rolls up the announced hours. Invoked with `{}` it does its whole work now: every hour
 * that has facts, of all days that facts may still come in for, and a new sample of the gauges; it answers how many
 * hours those were.
 */
export async function handler(event: unknown, context?: unknown) {
  if (Delivery.safeParse(event).success) return drain(event, context);
  WholeWork.parse(event);
  const deps = wired();
  const dates = openDates(deps.clock());
  const hours = await rollUpDays(deps, dates);
  await sampleGauges(deps, { isForced: true });
  logger.info('all hours rolled up', { days: dates.length, hours });
  return { status: 'done', days: dates.length, hours };
}
