import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RUNBOOK } from '../../infra/alarms.ts';
import { ofType, targetOf } from '../support/template.ts';
import { functions, queues, resources } from './template-under-test.ts';

const alarms = ofType(resources, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);

describe('alarms', () => {
  const runbook = readFileSync(join(import.meta.dirname, '..', '..', 'docs/operating/runbook.md'), 'utf8');
  const anchors = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  const watched = (metric: string, dimension: string): string[] =>
    alarms
      .filter(({ MetricName }) => MetricName === metric)
      .map(({ Dimensions }) => Dimensions.find(({ Name }: any) => Name === dimension).Value)
      .map((value) => targetOf(resources, Array.isArray(value) ? value[0] : value).replace(/\.QueueName$/, ''))
      .sort();

  it('each name a runbook heading that exists', () => {
    expect(alarms.length).toBeGreaterThan(0);
    for (const { AlarmDescription } of alarms) {
      const anchor = /Runbook: docs\/operating\/runbook\.md#([a-z-]+)$/.exec(AlarmDescription)?.[1];
      expect(anchors, AlarmDescription).toContain(anchor);
    }
    expect(anchors).toEqual(expect.arrayContaining(Object.values(RUNBOOK)));
  });

  it.each([['Errors'], ['Throttles'], ['Duration']])("watch each function's %s", (metric) => {
    expect(watched(metric, 'FunctionName')).toEqual([...functions.keys()].sort());
  });

  it('watch depth and age where messages wait for an operator, and the age of every queue', () => {
    expect(watched('ApproximateNumberOfMessagesVisible', 'QueueName')).toEqual([
      'announce-changes-failures',
      'backfill-dlq',
      'backfill-schedule-dlq',
      'rank-dlq',
      'rank-schedule-dlq',
      'roll-up-dlq',
      'score-refresh-dlq',
    ]);
    expect(watched('ApproximateAgeOfOldestMessage', 'QueueName')).toEqual([...queues.keys()].sort());
  });

  it('warn before a function is cut off', () => {
    for (const { MetricName, Dimensions, Threshold } of alarms) {
      if (MetricName !== 'Duration') continue;
      const { Timeout } = functions.get(targetOf(resources, Dimensions[0].Value))!.Properties;
      expect(Threshold).toBeLessThan(Timeout * 1000);
    }
  });
});

describe('the dashboard', () => {
  it('shows every function, every queue, what came in and how far scores are behind', () => {
    const [[, { Properties }]] = ofType(resources, 'AWS::CloudWatch::Dashboard') as [[string, any]];
    const body = JSON.stringify(Properties.DashboardBody);

    for (const { id } of [...functions.values(), ...queues.values()]) expect(body).toContain(id);
    for (const metric of ['Accepted', 'Duplicates', 'RefreshLag', 'Errors']) expect(body).toContain(metric);
  });
});
