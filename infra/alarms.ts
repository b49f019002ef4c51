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
  readonly summary: string;
  readonly runbook: Runbook;
  /**
   * For a metric with harmless short peaks: the alarm needs this many of the last periods. If omitted, one period is
   * enough.
   */
  readonly lasting?: { readonly periods: number; readonly of: number };
  /** For a metric that is rarely published: without data, the alarm keeps its state. */
  readonly untilNextReport?: boolean;
};

const PERIOD = Duration.minutes(5);
const over: MetricOptions = { period: PERIOD, statistic: Stats.MAXIMUM };
const total: MetricOptions = { ...over, statistic: Stats.SUM };

/** A message is deleted at 14 days, so half of that time is left to act. */
const DEAD_LETTER_AGE = Duration.days(7);
/** Longer than a refresh and two of its redeliveries. */
const QUEUE_AGE = Duration.minutes(20);
const NEAR_TIMEOUT = 0.8;
/** With fewer than this in five minutes, a share means little: one of three requests is a third. */
const LEAST_FOR_A_SHARE = 5;
const PERCENT_OF_REQUESTS = 1;
const SLOW = Duration.seconds(3);
/**
 * A message that is retried within this time fails twice within ten minutes. For slower retries, the first failure
 * counts.
 */
const TRIED_AGAIN_SOON = Duration.minutes(7);
const NEAR_ACCOUNT_LIMIT = 0.8;
const ASYNC_AGE = Duration.minutes(10);
const TWICE_IN_TEN_MINUTES = { periods: 2, of: 2 };
const TWICE_IN_A_QUARTER = { periods: 2, of: 3 };

/** Goes off in the first five minutes in which the metric reaches the threshold, unless `lasting` is set. */
export const addAlarm = (scope: Construct, id: string, options: AlarmOptions): Alarm => {
  const { metric, atLeast, summary, runbook, lasting = { periods: 1, of: 1 }, untilNextReport = false } = options;
  return new Alarm(scope, id, {
    metric,
    threshold: atLeast,
    evaluationPeriods: lasting.of,
    datapointsToAlarm: lasting.periods,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    // An idle resource emits no data, which is healthy.
    treatMissingData: untilNextReport ? TreatMissingData.IGNORE : TreatMissingData.NOT_BREACHING,
    alarmDescription: `${scope.node.path}: ${summary} Runbook: docs/operating/runbook.md#${runbook}`,
  });
};

/** A metric that one of Laurel's functions publishes. */
export const ownMetric = (metricName: string, service: string, options: MetricOptions): Metric =>
  new Metric({ namespace: 'Laurel', metricName, dimensionsMap: { service }, ...options });

/** A percentage; 0 if there are too few to be meaningful. */
const percentOf = (part: IMetric, whole: IMetric): MathExpression =>
  new MathExpression({
    expression: `IF(part >= ${LEAST_FOR_A_SHARE}, 100 * part / whole, 0)`,
    usingMetrics: { part, whole },
    period: PERIOD,
  });

/** The sum of the metrics. A metric without data counts 0. */
const sumOf = (metrics: readonly IMetric[]): MathExpression =>
  new MathExpression({
    expression: 'SUM(METRICS())',
    usingMetrics: Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric])),
    period: PERIOD,
  });

/** For a queue that should be empty: dead letters, or the failures of a stream. */
export function alarmOnAnyMessage(queue: Queue, runbook: Runbook): void {
  // Uses the depth, because the number of sent messages does not include those that SQS moved there itself.
  addAlarm(queue, 'NotEmpty', {
    metric: queue.metricApproximateNumberOfMessagesVisible(over),
    atLeast: 1,
    summary: 'a message could not be handled and waits for an operator.',
    runbook,
  });
  addAlarm(queue, 'Ageing', {
    metric: queue.metricApproximateAgeOfOldestMessage(over),
    atLeast: DEAD_LETTER_AGE.toSeconds(),
    summary: `a message has waited for ${DEAD_LETTER_AGE.toDays()} days and is deleted at 14.`,
    runbook,
  });
}

/** For a queue with a consumer. */
export function alarmOnBacklog(queue: Queue): void {
  addAlarm(queue, 'Backlog', {
    metric: queue.metricApproximateAgeOfOldestMessage(over),
    atLeast: QUEUE_AGE.toSeconds(),
    summary: `the oldest message has waited for ${QUEUE_AGE.toMinutes()} minutes.`,
    runbook: RUNBOOK.queueAge,
  });
}

/** For every function: errors, refused invocations, and invocations close to the timeout. */
export function alarmOnFunction(laurelFunction: LaurelFunction): void {
  const { fn, timeout, answersRequests } = laurelFunction;
  const runbook = RUNBOOK.functionErrors;
  const errors = fn.metricErrors(total);
  if (answersRequests) {
    addAlarm(fn, 'Errors', {
      metric: percentOf(errors, fn.metricInvocations(total)),
      atLeast: PERCENT_OF_REQUESTS,
      summary: `${PERCENT_OF_REQUESTS} % of its invocations failed, and at least ${LEAST_FOR_A_SHARE}.`,
      runbook,
    });
  } else addAlarm(fn, 'Errors', { metric: errors, atLeast: 1, summary: 'an invocation failed.', runbook });
  addAlarm(fn, 'Throttles', {
    metric: fn.metricThrottles(total),
    atLeast: 1,
    summary: 'an invocation was refused: the account is out of concurrency.',
    runbook,
  });
  addAlarm(fn, 'NearTimeout', {
    metric: fn.metricDuration(over),
    atLeast: NEAR_TIMEOUT * timeout.toMilliseconds(),
    summary: `an invocation took ${NEAR_TIMEOUT * 100} % of its timeout or more.`,
    runbook,
  });
}

/** For a function that folds and saves: a machine saved with a clock that was days ahead. */
export function alarmOnDateAhead({ fn, name }: LaurelFunction): void {
  addAlarm(fn, 'StoredDateAhead', {
    metric: ownMetric('StoredDateAhead', name, total),
    atLeast: 1,
    summary: 'a stored score, board or hour was dated more than 2 days ahead; the run that found it has mended it.',
    runbook: RUNBOOK.dateAhead,
  });
}

/**
 * For a function with a queue or stream as its source. An invocation succeeds even if it could not handle some of its
 * messages, so no other metric shows the failure before they are dead letters. `triedAgainAfter` is the time until a
 * failed message is retried.
 */
export function alarmOnFailedItems({ fn, name }: LaurelFunction, triedAgainAfter: Duration): void {
  const isSoon = triedAgainAfter.toSeconds() <= TRIED_AGAIN_SOON.toSeconds();
  addAlarm(fn, 'Failing', {
    metric: ownMetric('FailedItems', name, total),
    atLeast: 1,
    summary: `it ${isSoon ? 'keeps failing' : 'fails'} at messages or records.`,
    runbook: RUNBOOK.failingMessages,
    ...(isSoon ? { lasting: TWICE_IN_TEN_MINUTES } : {}),
  });
}

/** For an asynchronously invoked function: Lambda queues its events, and drops them in the end. */
export function alarmOnAsynchronousInvocations({ fn }: LaurelFunction): void {
  const runbook = RUNBOOK.droppedInvocations;
  addAlarm(fn, 'AsyncEventAge', {
    metric: fn.metric('AsyncEventAge', over),
    atLeast: ASYNC_AGE.toMilliseconds(),
    summary: `an event has waited for its invocation for ${ASYNC_AGE.toMinutes()} minutes.`,
    runbook,
  });
  addAlarm(fn, 'AsyncEventsDropped', {
    metric: fn.metric('AsyncEventsDropped', total),
    atLeast: 1,
    summary: 'an event was dropped without an invocation that succeeded.',
    runbook,
  });
}

/** For the schedules of a group: an event that Scheduler gave up after its retries. */
export function alarmOnDroppedSchedules(scope: Construct, scheduleGroup: string): void {
  const dimensionsMap = { ScheduleGroup: scheduleGroup };
  addAlarm(scope, 'Dropped', {
    metric: new Metric({ namespace: 'AWS/Scheduler', metricName: 'InvocationDroppedCount', dimensionsMap, ...total }),
    atLeast: 1,
    summary: 'a schedule could not reach its target and gave up.',
    runbook: RUNBOOK.droppedInvocations,
  });
}

/**
 * For a table: requests that it refuses for a long time, and any request that is refused because of the account's
 * limit.
 */
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
    summary: 'the table keeps refusing requests.',
    runbook,
    lasting: TWICE_IN_A_QUARTER,
  });
  addAlarm(scope, 'AtAccountLimit', {
    metric: events('AccountLimitThrottleEvents'),
    atLeast: 1,
    summary: "a request was refused because the account's limit for one table is reached.",
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
    summary: `${share} were answered with 5xx.`,
    runbook,
  });
  // The gateway counts 429 among all 4xx; only its log distinguishes them.
  accessLog.addMetricFilter('TooManyRequests', {
    metricNamespace: 'Laurel',
    metricName: 'TooManyRequests',
    filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
    dimensions: { service: '$.service' },
  });
  addAlarm(scope, 'Refused', {
    metric: percentOf(ownMetric('TooManyRequests', service, total), requests),
    atLeast,
    summary: `${share} were refused with 429.`,
    runbook,
  });
  addAlarm(scope, 'Slow', {
    metric: httpStage.metricLatency({ ...over, statistic: 'p95' }),
    atLeast: SLOW.toMilliseconds(),
    summary: `one request of twenty takes ${SLOW.toSeconds()} seconds or more, and has for a quarter of an hour.`,
    runbook,
    lasting: { periods: 3, of: 3 },
  });
}

/** For all functions of the account and region, also those outside Laurel, because they share one limit. */
export function alarmOnAccountConcurrency(scope: Construct, limit: number): void {
  addAlarm(scope, 'AccountConcurrency', {
    metric: new Metric({ namespace: 'AWS/Lambda', metricName: 'ClaimedAccountConcurrency', ...over }),
    atLeast: NEAR_ACCOUNT_LIMIT * limit,
    summary: `${NEAR_ACCOUNT_LIMIT * 100} % of the ${limit} invocations at a time that the account may have are in use.`,
    runbook: RUNBOOK.accountConcurrency,
  });
}
