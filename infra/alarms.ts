import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  type MetricOptions,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { FilterPattern, type LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { LaurelFunction } from './laurel-function.ts';

/** The headings of docs/operating/runbook.md as anchors: each alarm names one. */
export const RUNBOOK = {
  deadLetters: 'dead-letters',
  queueAge: 'queue-age',
  streamFailures: 'stream-failures',
  scheduleFailures: 'schedule-failures',
  functionErrors: 'function-errors',
  failingMessages: 'failing-messages',
  api: 'api-errors-and-latency',
  throttledTables: 'throttled-tables',
  accountConcurrency: 'account-concurrency',
  droppedInvocations: 'dropped-invocations',
  conservation: 'conservation',
  dateAhead: 'date-ahead',
} as const;

type Runbook = (typeof RUNBOOK)[keyof typeof RUNBOOK];

type AlarmOptions = {
  readonly metric: IMetric;
  readonly atLeast: number;
  readonly says: string;
  readonly runbook: Runbook;
  /** What passes by itself is no alarm: in how many of the last periods it must be so; in one, where it is missing. */
  readonly lasting?: { readonly periods: number; readonly of: number };
  /** The metric comes once in a while: the alarm stays as it is in between. */
  readonly untilItSaysOtherwise?: boolean;
};

const PERIOD = Duration.minutes(5);
const over: MetricOptions = { period: PERIOD, statistic: Stats.MAXIMUM };
const total: MetricOptions = { ...over, statistic: Stats.SUM };

/** A message is lost at 14 days: half of that is left to act in. */
const DEAD_LETTER_AGE = Duration.days(7);
/** More than a refresh and two of its redeliveries take. */
const QUEUE_AGE = Duration.minutes(20);
const NEAR_TIMEOUT = 0.8;
/** Below this many in five minutes a share says nothing: one of three requests is a third. */
const LEAST_FOR_A_SHARE = 5;
const PERCENT_OF_REQUESTS = 1;
const SLOW = Duration.seconds(3);
/** A message that is tried again within this time fails twice within ten minutes; of one that is not, the first failure counts. */
const TRIED_AGAIN_SOON = Duration.minutes(7);
const NEAR_ACCOUNT_LIMIT = 0.8;
const ASYNC_AGE = Duration.minutes(10);
const TWICE_IN_TEN_MINUTES = { periods: 2, of: 2 };
const TWICE_IN_A_QUARTER = { periods: 2, of: 3 };

/** Goes off in the first five minutes in which the metric reaches the threshold, if it need not last. */
export const addAlarm = (scope: Construct, id: string, options: AlarmOptions): Alarm => {
  const { metric, atLeast, says, runbook, lasting = { periods: 1, of: 1 }, untilItSaysOtherwise = false } = options;
  return new Alarm(scope, id, {
    metric,
    threshold: atLeast,
    evaluationPeriods: lasting.of,
    datapointsToAlarm: lasting.periods,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    // What is idle emits nothing, which is healthy.
    treatMissingData: untilItSaysOtherwise ? TreatMissingData.IGNORE : TreatMissingData.NOT_BREACHING,
    alarmDescription: `${scope.node.path}: ${says} Runbook: docs/operating/runbook.md#${runbook}`,
  });
};

/** A figure that one of Laurel's functions publishes itself. */
export const ownMetric = (metricName: string, service: string, options: MetricOptions): Metric =>
  new Metric({ namespace: 'Laurel', metricName, dimensionsMap: { service }, ...options });

/** How many of a hundred; 0 while they are too few to say. */
const percentOf = (part: IMetric, whole: IMetric): MathExpression =>
  new MathExpression({
    expression: `IF(part >= ${LEAST_FOR_A_SHARE}, 100 * part / whole, 0)`,
    usingMetrics: { part, whole },
    period: PERIOD,
  });

/** All together; one of which there is no data adds nothing. */
const sumOf = (metrics: readonly IMetric[]): MathExpression =>
  new MathExpression({
    expression: 'SUM(METRICS())',
    usingMetrics: Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric])),
    period: PERIOD,
  });

/** For a queue that should be empty, be it dead letters or a stream's failures. */
export function alarmOnAnyMessage(queue: Queue, runbook: Runbook): void {
  // Depth, not the number sent: a message that SQS moved there by itself does not count as sent.
  addAlarm(queue, 'NotEmpty', {
    metric: queue.metricApproximateNumberOfMessagesVisible(over),
    atLeast: 1,
    says: 'a message could not be handled and waits for an operator.',
    runbook,
  });
  addAlarm(queue, 'Ageing', {
    metric: queue.metricApproximateAgeOfOldestMessage(over),
    atLeast: DEAD_LETTER_AGE.toSeconds(),
    says: `a message has waited for ${DEAD_LETTER_AGE.toDays()} days and is deleted at 14.`,
    runbook,
  });
}

/** For a queue that is drained. */
export function alarmOnBacklog(queue: Queue): void {
  addAlarm(queue, 'Backlog', {
    metric: queue.metricApproximateAgeOfOldestMessage(over),
    atLeast: QUEUE_AGE.toSeconds(),
    says: `the oldest message has waited for ${QUEUE_AGE.toMinutes()} minutes.`,
    runbook: RUNBOOK.queueAge,
  });
}

/** For every function: what it threw, what was refused to it, and what is about to be cut off. */
export function alarmOnFunction(laurelFunction: LaurelFunction): void {
  const { fn, timeout, answersRequests } = laurelFunction;
  const runbook = RUNBOOK.functionErrors;
  const errors = fn.metricErrors(total);
  if (answersRequests) {
    addAlarm(fn, 'Errors', {
      metric: percentOf(errors, fn.metricInvocations(total)),
      atLeast: PERCENT_OF_REQUESTS,
      says: `${PERCENT_OF_REQUESTS} % of its invocations failed, and at least ${LEAST_FOR_A_SHARE}.`,
      runbook,
    });
  } else addAlarm(fn, 'Errors', { metric: errors, atLeast: 1, says: 'an invocation failed.', runbook });
  addAlarm(fn, 'Throttles', {
    metric: fn.metricThrottles(total),
    atLeast: 1,
    says: 'an invocation was refused: the account is out of concurrency.',
    runbook,
  });
  addAlarm(fn, 'NearTimeout', {
    metric: fn.metricDuration(over),
    atLeast: NEAR_TIMEOUT * timeout.toMilliseconds(),
    says: `an invocation took ${NEAR_TIMEOUT * 100} % of its timeout or more.`,
    runbook,
  });
}

/** For a function that folds and saves: some machine's clock was days ahead when it saved. */
export function alarmOnDateAhead({ fn, name }: LaurelFunction): void {
  addAlarm(fn, 'StoredDateAhead', {
    metric: ownMetric('StoredDateAhead', name, total),
    atLeast: 1,
    says: 'a stored score, board or hour was dated more than 2 days ahead; the run that found it has mended it.',
    runbook: RUNBOOK.dateAhead,
  });
}

/**
 * For a function that is fed by a queue or a stream: an invocation that could not handle some of its messages succeeds, so
 * nothing else shows it until they are dead letters. `triedAgainAfter`: when a message that failed comes again.
 */
export function alarmOnFailedItems({ fn, name }: LaurelFunction, triedAgainAfter: Duration): void {
  const isSoon = triedAgainAfter.toSeconds() <= TRIED_AGAIN_SOON.toSeconds();
  addAlarm(fn, 'Failing', {
    metric: ownMetric('FailedItems', name, total),
    atLeast: 1,
    says: `it fails${isSoon ? ', and fails again,' : ''} at messages or records that it is given.`,
    runbook: RUNBOOK.failingMessages,
    ...(isSoon ? { lasting: TWICE_IN_TEN_MINUTES } : {}),
  });
}

/** For a function whose invoker does not wait: its events queue within Lambda, and are given up there. */
export function alarmOnAsynchronousInvocations({ fn }: LaurelFunction): void {
  const runbook = RUNBOOK.droppedInvocations;
  addAlarm(fn, 'AsyncEventAge', {
    metric: fn.metric('AsyncEventAge', over),
    atLeast: ASYNC_AGE.toMilliseconds(),
    says: `an event has waited for its invocation for ${ASYNC_AGE.toMinutes()} minutes.`,
    runbook,
  });
  addAlarm(fn, 'AsyncEventsDropped', {
    metric: fn.metric('AsyncEventsDropped', total),
    atLeast: 1,
    says: 'an event was dropped without an invocation that succeeded.',
    runbook,
  });
}

/** For the schedules of a group: one that Scheduler has given up after its retries. */
export function alarmOnDroppedSchedules(scope: Construct, scheduleGroup: string): void {
  const dimensionsMap = { ScheduleGroup: scheduleGroup };
  addAlarm(scope, 'Dropped', {
    metric: new Metric({ namespace: 'AWS/Scheduler', metricName: 'InvocationDroppedCount', dimensionsMap, ...total }),
    atLeast: 1,
    says: 'a schedule could not reach its target, and was given up.',
    runbook: RUNBOOK.droppedInvocations,
  });
}

/** For a table: requests that it refuses for long, and any that is refused because the account's own limit is reached. */
export function alarmOnTable(
  scope: Construct,
  { tableName }: Pick<ITable, 'tableName'>,
  indexes: readonly string[],
): void {
  const runbook = RUNBOOK.throttledTables;
  const places = [{}, ...indexes.map((GlobalSecondaryIndexName) => ({ GlobalSecondaryIndexName }))];
  const events = (suffix: string) =>
    sumOf(
      places.flatMap((place) =>
        ['Read', 'Write'].map((kind) => {
          const dimensionsMap = { TableName: tableName, ...place };
          return new Metric({ namespace: 'AWS/DynamoDB', metricName: `${kind}${suffix}`, dimensionsMap, ...total });
        }),
      ),
    );
  addAlarm(scope, 'Throttled', {
    metric: events('ThrottleEvents'),
    atLeast: 1,
    says: 'the table refuses requests, and goes on to.',
    runbook,
    lasting: TWICE_IN_A_QUARTER,
  });
  addAlarm(scope, 'AtAccountLimit', {
    metric: events('AccountLimitThrottleEvents'),
    atLeast: 1,
    says: "a request was refused because the account's limit for one table is reached.",
    runbook,
  });
}

/** For the API: by rate, so that one failed request wakes nobody. */
export function alarmOnApi(scope: Construct, httpStage: HttpStage, accessLog: LogGroup, service: string): void {
  const runbook = RUNBOOK.api;
  const requests = httpStage.metricCount(total);
  const atLeast = PERCENT_OF_REQUESTS;
  const share = `${PERCENT_OF_REQUESTS} % of the requests in five minutes, and at least ${LEAST_FOR_A_SHARE},`;
  addAlarm(scope, 'ServerErrors', {
    metric: percentOf(httpStage.metricServerError(total), requests),
    atLeast,
    says: `${share} were answered with 5xx.`,
    runbook,
  });
  // The gateway counts 429 among all 4xx: only its log tells them apart.
  accessLog.addMetricFilter('TooManyRequests', {
    metricNamespace: 'Laurel',
    metricName: 'TooManyRequests',
    filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
    dimensions: { service: '$.service' },
  });
  addAlarm(scope, 'Refused', {
    metric: percentOf(ownMetric('TooManyRequests', service, total), requests),
    atLeast,
    says: `${share} were refused with 429.`,
    runbook,
  });
  addAlarm(scope, 'Slow', {
    metric: httpStage.metricLatency({ ...over, statistic: 'p95' }),
    atLeast: SLOW.toMilliseconds(),
    says: `one request of twenty takes ${SLOW.toSeconds()} seconds or more, and has for a quarter of an hour.`,
    runbook,
    lasting: { periods: 3, of: 3 },
  });
}

/** For all functions of the account and region together, Laurel's or not: they share one limit. */
export function alarmOnAccountConcurrency(scope: Construct, limit: number): void {
  addAlarm(scope, 'AccountConcurrency', {
    metric: new Metric({ namespace: 'AWS/Lambda', metricName: 'ClaimedAccountConcurrency', ...over }),
    atLeast: NEAR_ACCOUNT_LIMIT * limit,
    says: `${NEAR_ACCOUNT_LIMIT * 100} % of the ${limit} invocations at a time that the account may have are in use.`,
    runbook: RUNBOOK.accountConcurrency,
  });
}
