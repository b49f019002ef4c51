import { Duration, Stack } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { LaurelFunction } from './laurel-function.ts';
import { LaurelQueue } from './laurel-queue.ts';
import { QueueWorker } from './queue-worker.ts';
import type { Stage } from './stage.ts';
import { physicalName } from '../functions/runtime/names.ts';

/** The order of functions in a graph. Functions that are not listed come first. */
const FUNCTIONS = [
  ...['refresh-score', 'backfill', 'roll-up-metrics', 'rank-leaderboards', 'announce-changes', 'erase-accounts'],
  ...[
    'ingest-telemetry',
    'import-history',
    'manage-keys',
    'confirm-publish',
    'manage-accounts',
    'manage-devices',
    'set-visibility',
    'record-award',
  ],
  ...['take-hooks', 'link-logins', 'export-account'],
  ...['shadow-report', 'check-conservation', 'read-api', 'forward-request'],
];

const EVERY = Duration.minutes(5);
const WIDTH = 12; // two graphs side by side

/** What an operator needs first: incoming traffic, waiting messages, failures, and the lag of scores. */
export class LaurelDashboard extends Construct {
  constructor(scope: Construct, id: string, { stage }: { readonly stage: Stage }) {
    super(scope, id);
    const constructs = Stack.of(this).node.findAll();
    const functions = constructs
      .filter((each) => each instanceof LaurelFunction)
      .sort((a, b) => FUNCTIONS.indexOf(a.role) - FUNCTIONS.indexOf(b.role));
    const queues = constructs.filter((each) => each instanceof QueueWorker).map(({ queue }) => queue);
    const leftovers = constructs
      .filter((each) => each instanceof LaurelQueue)
      .filter((queue) => !queues.includes(queue));
    const highest = { period: EVERY, statistic: Stats.MAXIMUM };
    const total = { period: EVERY, statistic: Stats.SUM };
    const own = (metricName: string, service: string, statistic: string) =>
      new Metric({
        namespace: 'Laurel',
        metricName,
        dimensionsMap: { service: physicalName(stage, service) },
        period: EVERY,
        statistic,
      });
    const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: WIDTH });

    new Dashboard(this, 'Dashboard', {
      dashboardName: physicalName(stage, 'operations'),
      widgets: [
        [
          graph('Telemetry events', [
            own('Accepted', 'ingest-telemetry', Stats.SUM),
            own('Duplicates', 'ingest-telemetry', Stats.SUM),
          ]),
          graph('Milliseconds from a change to its score', [
            own('RefreshLag', 'refresh-score', 'p50'),
            own('RefreshLag', 'refresh-score', Stats.MAXIMUM),
          ]),
        ],
        [
          graph(
            'Messages waiting',
            queues.map((queue) => queue.metricApproximateNumberOfMessagesVisible(highest)),
          ),
          graph(
            'Seconds that the oldest message has waited',
            queues.map((queue) => queue.metricApproximateAgeOfOldestMessage(highest)),
          ),
        ],
        [
          graph(
            'Waiting for an operator',
            leftovers.map((queue) => queue.metricApproximateNumberOfMessagesVisible(highest)),
          ),
          graph(
            'Failed invocations',
            functions.map(({ fn }) => fn.metricErrors(total)),
          ),
        ],
        [
          graph('Users checked for conservation', [own('ConservationChecked', 'check-conservation', Stats.SUM)]),
          graph('Users with a difference, and unsettled ones', [
            own('ConservationDifferent', 'check-conservation', Stats.MAXIMUM),
            own('ConservationUnsettled', 'check-conservation', Stats.MAXIMUM),
          ]),
        ],
      ],
    });
  }
}
