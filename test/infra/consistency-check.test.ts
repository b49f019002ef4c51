import { describe, expect, it } from 'vitest';
import { grantsOf, ofType, targetOf } from '../support/template.ts';
import { functions, resources } from './template-under-test.ts';

const ROLE = 'check-conservation';
const schedules = ofType(resources, 'AWS::Scheduler::Schedule')
  .map(([, { Properties }]) => Properties)
  .filter(({ Target }) => targetOf(resources, Target.Arn) === ROLE);
const alarmOf = (metric: string) =>
  ofType(resources, 'AWS::CloudWatch::Alarm')
    .map(([, { Properties }]) => Properties)
    .find(({ MetricName }) => MetricName === metric);

describe('the consistency check', () => {
  it('runs every hour, on its own sample', () => {
    expect(schedules).toMatchObject([
      { ScheduleExpression: 'cron(50 * * * ? *)', ScheduleExpressionTimezone: 'UTC', Target: { Input: '{}' } },
    ]);
  });

  it('may be invoked by its schedule, whose role may do nothing else', () => {
    const role = schedules[0]!.Target.RoleArn['Fn::GetAtt'][0];
    const statements = ofType(resources, 'AWS::IAM::Policy')
      .filter(([, { Properties }]) => Properties.Roles.some(({ Ref }: any) => Ref === role))
      .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);

    expect(statements.map(({ Action, Resource }) => [Action, targetOf(resources, Resource)])).toEqual([
      ['lambda:InvokeFunction', ROLE],
    ]);
  });

  it('may write nothing but its log and its notes', () => {
    const verbs = Object.entries(grantsOf(resources, ROLE))
      .filter(([target]) => !target.includes('log of') && target !== 'Allow backfill_runs')
      .flatMap(([, actions]) => actions.map((action) => action.replace(/^\w+:/u, '')));

    for (const verb of verbs) expect(verb).toMatch(/^(?:Get|BatchGet|Query|Scan|Describe)/u);
  });

  it('has a role that may write its own log stream only', () => {
    expect(Object.keys(grantsOf(resources, ROLE)).filter((target) => target.includes('log of'))).toEqual([
      `Allow log of /aws/lambda/laurel-local-${ROLE}`,
    ]);
  });

  it('sets off an alarm on any difference, which stays on until a later run clears it', () => {
    expect(alarmOf('ConservationDifferent')).toMatchObject({
      Namespace: 'Laurel',
      Dimensions: [{ Name: 'service', Value: functions.get(ROLE)!.Properties.FunctionName }],
      Statistic: 'Maximum',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      EvaluationPeriods: 1,
      TreatMissingData: 'ignore',
    });
  });

  it('sets off an alarm if it has not run for two hours, but not in the first hour of the stack', () => {
    const [alarm] = ofType(resources, 'AWS::CloudWatch::Alarm')
      .map(([, { Properties }]) => Properties)
      .filter(({ Metrics = [] }) => Metrics.some(({ Id }: any) => Id === 'runs'));
    const metric = (id: string) => alarm.Metrics.find(({ Id }: any) => Id === id).MetricStat;

    expect(metric('runs')).toMatchObject({
      Metric: {
        Namespace: 'Laurel',
        MetricName: 'ConservationChecked',
        Dimensions: [{ Name: 'service', Value: functions.get(ROLE)!.Properties.FunctionName }],
      },
      Period: 3600,
      Stat: 'SampleCount',
    });
    // A polled queue reports a metric every minute, so an hour with fewer data points is not a full hour of the stack.
    expect(metric('minutes')).toMatchObject({ Metric: { Namespace: 'AWS/SQS' }, Period: 3600, Stat: 'SampleCount' });
    expect(alarm).toMatchObject({
      EvaluationPeriods: 2,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'ignore',
    });
    expect(alarm.Metrics.map(({ Expression }: any) => Expression)).toContain('IF(minutes >= 55, FILL(runs, 0), 1)');
  });

  it('has its own row on the dashboard', () => {
    const [[, { Properties }]] = ofType(resources, 'AWS::CloudWatch::Dashboard') as [[string, any]];
    const body = JSON.stringify(Properties.DashboardBody);

    for (const metric of ['Checked', 'Different', 'Unsettled']) expect(body).toContain(`Conservation${metric}`);
  });
});
