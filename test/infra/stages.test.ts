import { describe, expect, it } from 'vitest';
import { ofType } from '../support/template.ts';
import { resourcesOf } from '../support/synthesis.ts';

/** What differs from stage to stage; all else is read from the one template that the local stack runs. */
describe('a stage', () => {
  it.each([
    ['prod', 'Retain', true],
    ['staging', 'Retain', true],
    ['dev', 'Delete', false],
    ['local', 'Delete', false],
  ])('%s: tables %s with the stack, protected from deletion: %s', (stage, policy, isProtected) => {
    for (const [, table] of ofType(resourcesOf(stage), 'AWS::DynamoDB::GlobalTable')) {
      expect(table.DeletionPolicy).toBe(policy);
      expect(table.Properties.Replicas[0].DeletionProtectionEnabled).toBe(isProtected);
    }
  });

  it('with a topic for alarms tells it of each', () => {
    const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';
    const told = ofType(resourcesOf('test', { alarmTopicArn }), 'AWS::CloudWatch::Alarm');

    for (const [, { Properties }] of told) expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
  });
});
