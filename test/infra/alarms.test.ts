import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RUNBOOK } from '../../infra/alarms.ts';
import { resourcesOf } from '../support/synthesis.ts';
import { ofType, targetOf } from '../support/template.ts';
import { functions, mappings, queues, resources, tables } from './template-under-test.ts';

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

  const metricsOf = ({ Metrics = [] }: any): any[] =>
    Metrics.flatMap(({ MetricStat }: any) => MetricStat?.Metric ?? []);
  const expressionOf = ({ Metrics = [] }: any) =>
    Metrics.find(({ Expression }: any) => Expression !== undefined)?.Expression;
  /** Alarms on a share: `[part, whole, alarm]`. */
  const shares = alarms
    .filter((alarm) => expressionOf(alarm)?.includes('part / whole'))
    .map((alarm) => [...metricsOf(alarm), alarm] as any[]);
  const sums = alarms
    .filter((alarm) => expressionOf(alarm) === 'SUM(METRICS())')
    .map((alarm) => ({ ...alarm, metrics: metricsOf(alarm) }));

  it('each name a runbook heading that exists', () => {
    expect(alarms.length).toBeGreaterThan(0);
    for (const { AlarmDescription } of alarms) {
      const anchor = /Runbook: docs\/operating\/runbook\.md#([a-z-]+)$/.exec(AlarmDescription)?.[1];
      expect(anchors, AlarmDescription).toContain(anchor);
    }
    expect(anchors).toEqual(expect.arrayContaining(Object.values(RUNBOOK)));
  });

  it.each([['Throttles'], ['Duration']])("watch each function's %s", (metric) => {
    expect(watched(metric, 'FunctionName')).toEqual([...functions.keys()].sort());
  });

  it('watch the errors of each function: by rate behind the API, each single one elsewhere', () => {
    const behindApi = new Set(
      ofType(resources, 'AWS::ApiGatewayV2::Integration').map(([, { Properties }]) =>
        targetOf(resources, Properties.IntegrationUri),
      ),
    );
    const each = watched('Errors', 'FunctionName');
    const byRate = shares.filter(([part]) => part.MetricName === 'Errors');

    expect(each).toEqual([...functions.keys()].filter((role) => !behindApi.has(role!)).sort());
    expect(byRate.map(([part]) => targetOf(resources, part.Dimensions[0].Value)).sort()).toEqual([...behindApi].sort());
    for (const [, whole] of byRate) expect(whole.MetricName).toBe('Invocations');
  });

  it('report 5xx and 429 by rate, not each one', () => {
    for (const metric of ['5xx', 'TooManyRequests']) {
      const [[part, whole, alarm]] = shares.filter(([each]) => each.MetricName === metric) as [any];
      expect([part.MetricName, whole.MetricName, alarm.Threshold]).toEqual([metric, 'Count', 1]);
      expect(expressionOf(alarm)).toBe('IF(part >= 5, 100 * part / whole, 0)');
    }
  });

  it('count 429 in the access log, where the gateway writes it, separately for each stage', () => {
    const filters = ofType(resources, 'AWS::Logs::MetricFilter').map(([, { Properties }]) => Properties);
    const [Properties] = filters.filter(({ FilterPattern }) => FilterPattern.includes('status'));
    const [[part]] = shares.filter(([each]) => each.MetricName === 'TooManyRequests') as [any];

    expect(Properties.FilterPattern).toBe('{ $.status = "429" }');
    expect(Properties.MetricTransformations).toEqual([
      {
        MetricNamespace: 'Laurel',
        MetricName: 'TooManyRequests',
        MetricValue: '1',
        Dimensions: [{ Key: 'service', Value: '$.service' }],
      },
    ]);
    expect(part.Dimensions).toEqual([{ Name: 'service', Value: 'laurel-local-api' }]);
  });

  it("report a slow API by the slowest 5 % over a quarter of an hour, below the functions' timeout", () => {
    const [alarm] = alarms.filter(({ MetricName }) => MetricName === 'Latency');
    expect(alarm).toMatchObject({ ExtendedStatistic: 'p95', Period: 300, EvaluationPeriods: 3, DatapointsToAlarm: 3 });
    expect(alarm.Threshold).toBeLessThan(functions.get('read-api')!.Properties.Timeout * 1000);
  });

  it("report each table's refused requests and the account's limit for a table, also on its indexes", () => {
    for (const [role, { id, Properties }] of tables) {
      const indexes: string[] = (Properties.GlobalSecondaryIndexes ?? []).map(({ IndexName }: any) => IndexName);
      for (const suffix of ['ThrottleEvents', 'AccountLimitThrottleEvents']) {
        const places = [undefined, ...indexes].flatMap((index) => [
          [`Read${suffix}`, index],
          [`Write${suffix}`, index],
        ]);
        const [alarm] = sums.filter(
          ({ metrics: [first] }) => first.MetricName === `Read${suffix}` && first.Dimensions.at(-1).Value.Ref === id,
        );
        const found = alarm!.metrics.map(({ MetricName, Dimensions }: any) => [
          MetricName,
          Dimensions.find(({ Name }: any) => Name === 'GlobalSecondaryIndexName')?.Value,
        ]);
        expect(found, role).toEqual(places);
        expect(alarm!.Threshold).toBe(1);
      }
    }
  });

  it("report the account's concurrency before it is used up, by its own limit", async () => {
    const thresholdOf = (of: typeof resources) =>
      ofType(of, 'AWS::CloudWatch::Alarm').find(([, { Properties }]) => {
        return Properties.MetricName === 'ClaimedAccountConcurrency';
      })?.[1].Properties.Threshold;

    expect(thresholdOf(resources)).toBe(800);
    expect(thresholdOf(await resourcesOf('dev', { accountConcurrency: 10 }))).toBe(8);
  });

  it('report dropped schedules, for all schedules', () => {
    const [[id, group]] = ofType(resources, 'AWS::Scheduler::ScheduleGroup') as [[string, any]];
    for (const [, { Properties }] of ofType(resources, 'AWS::Scheduler::Schedule')) {
      expect(Properties.GroupName).toEqual({ Ref: id });
    }
    expect(alarms.filter(({ MetricName }) => MetricName === 'InvocationDroppedCount')).toMatchObject([
      {
        Namespace: 'AWS/Scheduler',
        Dimensions: [{ Name: 'ScheduleGroup', Value: group.Properties.Name }],
        Threshold: 1,
      },
    ]);
  });

  it('report events that wait or are dropped in Lambda, for each asynchronously invoked function', () => {
    const invoked = ofType(resources, 'AWS::Scheduler::Schedule')
      .map(([, { Properties }]) => Properties.Target.Arn)
      .filter((arn) => resources[arn['Fn::GetAtt'][0]]!.Type === 'AWS::Lambda::Function')
      .map((arn) => targetOf(resources, arn));

    for (const metric of ['AsyncEventAge', 'AsyncEventsDropped']) {
      expect(watched(metric, 'FunctionName')).toEqual(invoked);
    }
  });

  it('report within ten minutes a function that fails on its messages or records, long before there are dead letters', () => {
    const fed = new Map(mappings.map((mapping) => [targetOf(resources, mapping.FunctionName), mapping]));
    const failing = alarms.filter(({ MetricName }) => MetricName === 'FailedItems');

    expect(failing.map(({ Dimensions }) => Dimensions[0].Value).sort()).toEqual(
      [...fed.keys()].map((role) => `laurel-local-${role}`).sort(),
    );
    for (const { Namespace, Period, EvaluationPeriods, DatapointsToAlarm, Threshold, Dimensions } of failing) {
      expect([Namespace, Dimensions[0].Name, Threshold]).toEqual(['Laurel', 'service', 1]);
      expect(Period * EvaluationPeriods).toBeLessThanOrEqual(600);
      const { EventSourceArn } = fed.get(Dimensions[0].Value.replace('laurel-local-', ''));
      const queue = queues.get(targetOf(resources, EventSourceArn));
      // A message without a retry within ten minutes cannot fail twice in that time, so one failure is enough.
      const isSoonAgain = queue === undefined || queue.Properties.VisibilityTimeout <= 420;
      expect(DatapointsToAlarm).toBe(isSoonAgain ? 2 : 1);
    }
  });

  it('watch depth and age of queues with messages for an operator, and the age of every queue', () => {
    expect(watched('ApproximateNumberOfMessagesVisible', 'QueueName')).toEqual([
      'announce-changes-failures',
      'backfill-dlq',
      'backfill-schedule-dlq',
      'erase-dlq',
      'rank-dlq',
      'rank-schedule-dlq',
      'roll-up-dlq',
      'score-refresh-dlq',
    ]);
    expect(watched('ApproximateAgeOfOldestMessage', 'QueueName')).toEqual([...queues.keys()].sort());
  });

  it('warn before a function times out', () => {
    for (const { MetricName, Dimensions, Threshold } of alarms) {
      if (MetricName !== 'Duration') continue;
      const { Timeout } = functions.get(targetOf(resources, Dimensions[0].Value))!.Properties;
      expect(Threshold).toBeLessThan(Timeout * 1000);
    }
  });
});

describe('the dashboard', () => {
  it('shows every function and queue, the incoming traffic, and the lag of scores', () => {
    const [[, { Properties }]] = ofType(resources, 'AWS::CloudWatch::Dashboard') as [[string, any]];
    const body = JSON.stringify(Properties.DashboardBody);

    for (const { id } of [...functions.values(), ...queues.values()]) expect(body).toContain(id);
    for (const metric of ['Accepted', 'Duplicates', 'RefreshLag', 'Errors']) expect(body).toContain(metric);
  });
});
