import { describe, expect, it } from 'vitest';
import { expectDocumented } from '../support/documented-table.ts';
import { ofType, targetOf } from '../support/template.ts';
import { mappings, queues, resources } from './template-under-test.ts';

/** `30 minutes`, `2.5 hours`: rounded for a reader. */
function spoken(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return minutes === 1 ? 'a minute' : `${minutes} minutes`;
  const hours = Math.round(minutes / 6) / 10;
  return hours === 1 ? 'an hour' : `${hours} hours`;
}

describe('the runbook (UPDATE_DOCS=1 writes its tables)', () => {
  it('lists for each queue and stream when a failed message is retried, and when it is a dead letter', () => {
    const rows = mappings.map((mapping) => {
      const source = targetOf(resources, mapping.EventSourceArn);
      const queue = queues.get(source)?.Properties;
      if (queue === undefined) {
        const table = source.replace('.StreamArn', '');
        return [`stream of \`${table}\``, 'at most a minute', spoken(mapping.MaximumRecordAgeInSeconds)];
      }
      const { VisibilityTimeout, RedrivePolicy } = queue;
      return [`\`${source}\``, spoken(VisibilityTimeout), spoken(RedrivePolicy.maxReceiveCount * VisibilityTimeout)];
    });

    expectDocumented('docs/operating/runbook.md', 'times', [
      ['queue or stream', 'comes again after', 'waits for an operator after'],
      ...rows.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    ]);
  });

  it('lists every kind of alarm with its description and its period', () => {
    const kinds = new Map<string, { readonly cells: readonly string[]; count: number }>();
    for (const [, { Properties }] of ofType(resources, 'AWS::CloudWatch::Alarm')) {
      const { AlarmDescription, Metrics, EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = Properties;
      const [, meaning = '', section = ''] = /: (.*) Runbook: docs\/operating\/runbook\.md#(.*)$/u.exec(
        AlarmDescription,
      )!;
      const { MetricStat } = Metrics?.find((each: any) => each.MetricStat !== undefined) ?? { MetricStat: Properties };
      const cells = [`[${section}](#${section})`, meaning, spoken(MetricStat.Period * DatapointsToAlarm)];
      const kind = kinds.get(cells.join()) ?? { cells, count: 0 };
      kinds.set(cells.join(), { ...kind, count: kind.count + 1 });
    }
    expect(kinds.size).toBeGreaterThan(15);

    expectDocumented('docs/operating/runbook.md', 'alarms', [
      ['section', 'what the alarm means', 'seen over', 'alarms'],
      ...[...kinds].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, { cells, count }]) => [...cells, `${count}`]),
    ]);
  });
});
