import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  type MetricOptions,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
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
  conservation: 'conservation',
  dateAhead: 'date-ahead',
} as const;

type Runbook = (typeof RUNBOOK)[keyof typeof RUNBOOK];

type AlarmOptions = {
  readonly metric: IMetric;
  readonly atLeast: number;
  readonly says: string;
  readonly runbook: Runbook;
  /** The metric comes once in a while: the alarm stays as it is in between. */
  readonly untilItSaysOtherwise?: boolean;
};

const over: MetricOptions = { period: Duration.minutes(5), statistic: Stats.MAXIMUM };
const total: MetricOptions = { ...over, statistic: Stats.SUM };

/** A message is lost at 14 days: half of that is left to act in. */
const DEAD_LETTER_AGE = Duration.days(7);
/** More than a refresh and two of its redeliveries take. */
const QUEUE_AGE = Duration.minutes(20);
const NEAR_TIMEOUT = 0.8;

/** Goes off in the first five minutes in which the metric reaches the threshold. */
export const addAlarm = (scope: Construct, id: string, options: AlarmOptions): Alarm => {
  const { metric, atLeast, says, runbook, untilItSaysOtherwise = false } = options;
  return new Alarm(scope, id, {
    metric,
    threshold: atLeast,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    // What is idle emits nothing, which is healthy.
    treatMissingData: untilItSaysOtherwise ? TreatMissingData.IGNORE : TreatMissingData.NOT_BREACHING,
    alarmDescription: `${scope.node.path}: ${says} Runbook: docs/operating/runbook.md#${runbook}`,
  });
};

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
export function alarmOnFunction({ fn, timeout }: LaurelFunction<Record<string, string>>): void {
  const runbook = RUNBOOK.functionErrors;
  addAlarm(fn, 'Errors', { metric: fn.metricErrors(total), atLeast: 1, says: 'an invocation failed.', runbook });
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

/** For the function that folds scores: some machine's clock was days ahead when it saved one. */
export function alarmOnDateAhead({ fn }: LaurelFunction<Record<string, string>>, functionName: string): void {
  addAlarm(fn, 'StoredDateAhead', {
    metric: new Metric({
      namespace: 'Laurel',
      metricName: 'StoredDateAhead',
      dimensionsMap: { service: functionName },
      ...total,
    }),
    atLeast: 1,
    says: 'a stored score was dated more than 2 days ahead; the refresh that found it has mended it.',
    runbook: RUNBOOK.dateAhead,
  });
}
