import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { RollUpMetricsEnv } from '../../functions/roll-up-metrics/env.ts';
import { alarmOnDateAhead } from '../alarms.ts';
import { environmentOf } from '../environment.ts';
import { sendTo } from '../policies.ts';
import { QueueWorker } from '../queue-worker.ts';
import type { Foundation } from './foundation.ts';

/** The longest that Lambda offers. An hour of a small community takes seconds: `docs/operating/limits.md`. */
const ROLL_UP_TIMEOUT = Duration.minutes(15);

/** The largest hour that is folded: 5,000 events a second. They are sorted on disk, one line each. */
const EVENTS_AN_HOUR = 18_000_000;
/** A line with the longest id of a device in UTF-8, the longest event and command, an account, and what parts them. */
const LONGEST_LINE = 16 + 1 + (1 + 3 * 128) + 20 + (64 + 1 + 32) + 4;
/** In the worst case each event has a device and a member of its own. */
const LINES_OF_MEMBERS = 2 * (16 + 1);
const DISK_MEGABYTES = Math.ceil((EVENTS_AN_HOUR * (LONGEST_LINE + LINES_OF_MEMBERS)) / 1_024 ** 2);

/** Folds the community's hours that messages name. */
export function metrics(scope: Construct, { stage, variables, may }: Foundation) {
  const { queue: rollUp, worker } = new QueueWorker(scope, 'RollUpMetrics', {
    stage,
    role: 'roll-up-metrics',
    queueRole: 'roll-up',
    environment: (queue) => environmentOf(RollUpMetricsEnv, { ...variables, ROLL_UP_QUEUE_URL: queue.queueUrl }),
    timeout: ROLL_UP_TIMEOUT,
    memoryMegabytes: 1_280, // for its share of a processor: a fold takes less than 512 MB, whatever the hour
    diskMegabytes: DISK_MEGABYTES,
    // asks again for hours that are not due: at most ten times what a fold took, in steps of a quarter of an hour
    feedsItself: true,
    maxConcurrency: 2, // a day's hours are saved one after the other
  });
  alarmOnDateAhead(worker);
  worker.allow(
    may.listScores,
    may.readRegistry, // the versions in an extension's summary
    may.readNames, // of publishers
    may.listNames, // which of them have changed
    may.rollUp,
    sendTo(rollUp), // hours that are not due yet
  );
  return { rollUp };
}
export type Metrics = ReturnType<typeof metrics>;
