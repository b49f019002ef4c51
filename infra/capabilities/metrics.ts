import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { RollUpMetricsEnv } from '../../functions/roll-up-metrics/env.ts';
import { alarmOnDateAhead } from '../alarms.ts';
import { environmentOf } from '../environment.ts';
import { QueueWorker } from '../queue-worker.ts';
import type { Foundation } from './foundation.ts';

/** An hour takes seconds. Invoked by hand, the function does all open days. */
const ROLL_UP_TIMEOUT = Duration.minutes(5);

/** Folds the community's hours that messages name. */
export function metrics(scope: Construct, { stage, variables, may }: Foundation) {
  const { queue: rollUp, worker } = new QueueWorker(scope, 'RollUpMetrics', {
    stage,
    role: 'roll-up-metrics',
    queueRole: 'roll-up',
    environment: environmentOf(RollUpMetricsEnv, variables),
    timeout: ROLL_UP_TIMEOUT,
    maxConcurrency: 2, // a day's hours are saved one after the other
  });
  alarmOnDateAhead(worker);
  worker.allow(
    may.listScores,
    may.readRegistry, // the versions in an extension's summary
    may.rollUp,
  );
  return { rollUp };
}
export type Metrics = ReturnType<typeof metrics>;
