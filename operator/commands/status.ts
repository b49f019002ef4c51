import type { Command } from 'commander';
import { hintOf, type Target } from '../connection.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT } from '../outcome.ts';
import { durationText, orUnknown, tableOf } from '../output.ts';
import type { FailingFunction } from '../failing.ts';
import { type QueueStatus, readStatus, type StackStatus } from '../stack-status.ts';

/** Adds `status`. */
export function addStatusCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'status',
    summary: 'failing functions, queues, dead letters, refresh lag, stale users, the last backfill',
    help: `
Changes nothing. A value that the stack cannot measure is "unknown" (null in JSON), never 0: a local stack has no message
ages. Exits with ${EXIT.found} if there are dead letters, or if a function fails on its messages or records.

  laurel status
  laurel status --stage prod --json | jq '.queues[] | select(.waiting > 0)'
`,
    input: {},
    async run({ target, connect, output, clock }) {
      const status = await readStatus(connect(), clock());
      output.result(status, textOf(status, target, clock()));
      return deadIn(status).length + status.failing.length > 0 ? EXIT.found : EXIT.ok;
    },
  });
}

const deadIn = ({ queues }: StackStatus) =>
  queues.filter(({ isDeadLetters, waiting, inFlight }) => isDeadLetters && (waiting !== 0 || inFlight !== 0));

function textOf(status: StackStatus, target: Target, now: number): string {
  const { stack, queues, refreshLag, lastBackfill } = status;
  const rows = queues.map((queue) => [
    queue.queue,
    orUnknown(queue.waiting),
    orUnknown(queue.inFlight),
    orUnknown(queue.delayed),
    ageText(queue),
  ]);
  const lag = {
    measured: `at most ${durationText((refreshLag.lastHourMaxMs ?? 0) / 1_000)} in the last hour`,
    idle: 'nothing was refreshed in the last hour',
    unknown: 'unknown',
  }[refreshLag.state];
  const dead = deadIn(status).map(({ queue }) => hintOf(target, `dead-letters ${queue}`));
  return [
    stack,
    tableOf(['queue', 'waiting', 'in flight', 'delayed', 'oldest'], rows),
    `refresh lag:    ${lag}`,
    `stale users:    ${orUnknown(status.staleUsers)}`,
    ...rulesText(status),
    `last backfill:  ${
      lastBackfill === null
        ? 'none known'
        : `${lastBackfill.mode}, ${lastBackfill.status}, started ${durationText((now - Date.parse(lastBackfill.startedAt)) / 1_000)} ago: ${lastBackfill.runId}`
    }`,
    ...addressText(status),
    ...concurrencyText(status),
    ...status.failing.map((each) => `failing:        ${failingText(each, now)}`),
    ...(dead.length === 0 ? [] : [`dead letters:   ${dead.join(', ')}`]),
  ].join('\n');
}

/** Printed for a deployed stack only. */
export const addressText = ({ address }: Pick<StackStatus, 'address'>): string[] =>
  address === null ? [] : [`address:        ${address.url}${address.isEdge ? ' (CloudFront, LAUREL_EDGE=on)' : ''}`];

/** Printed only if the account is too small for the workers. */
export const concurrencyText = ({ concurrency }: Pick<StackStatus, 'concurrency'>): string[] =>
  concurrency === null || concurrency.unreserved >= concurrency.workers
    ? []
    : [
        `concurrency:    ${concurrency.unreserved} unreserved invocations at a time (${concurrency.account} in all), but the ` +
          `workers alone can use ${concurrency.workers}: ask AWS for more (quota L-B99A9384)`,
      ];

/** Printed only until a change of the rules has reached all scores. */
function rulesText({ rulesVersions }: StackStatus): string[] {
  const versions = Object.entries(rulesVersions ?? {});
  if (versions.length < 2) return [];
  return [
    `rules:          ${versions.map(([version, scores]) => `${scores} scores by version ${version}`).join(', ')}`,
  ];
}

function failingText(
  { queue, streams, failed, withinSeconds, lastError, lastErrorAt, log, ...of }: FailingFunction,
  now: number,
) {
  const ofTables = `the ${streams.length === 1 ? 'stream' : 'streams'} of ${streams.join(', ') || 'tables'}`;
  const source = queue === null ? ofTables : `the queue ${queue}`;
  const ago = lastErrorAt === null ? '' : `, ${durationText((now - Date.parse(lastErrorAt)) / 1_000)} ago`;
  return (
    `${of.function} fails on ${source}: ${failed} times in ${durationText(withinSeconds)}. ` +
    `Last error${ago}: ${orUnknown(lastError)}. All errors: ${log}`
  );
}

function ageText({ oldestAgeSeconds, waiting, inFlight }: QueueStatus): string {
  if (oldestAgeSeconds !== null) return durationText(oldestAgeSeconds);
  return waiting === 0 && inFlight === 0 ? '-' : 'unknown';
}
