import { describe, expect, it } from 'vitest';
import { byRole, ofType } from '../support/template.ts';
import { resourcesOf, synthesize } from '../support/synthesis.ts';
import { tables } from './template-under-test.ts';

/** What differs from stage to stage; all else is read from the one template that the local stack runs. */
describe('a stage', () => {
  it.each([
    ['prod', 'RetainExceptOnCreate', true],
    ['staging', 'RetainExceptOnCreate', true],
    ['dev', 'Delete', false],
    ['local', 'Delete', false],
  ])('%s: tables go by %s, they and the stack are protected from deletion: %s', (stage, policy, isProtected) => {
    const { template, terminationProtection } = synthesize(stage);

    expect(terminationProtection).toBe(isProtected);
    for (const [, table] of ofType(template.Resources, 'AWS::DynamoDB::GlobalTable')) {
      expect(table.DeletionPolicy).toBe(policy);
      expect(table.Properties.Replicas[0].DeletionProtectionEnabled).toBe(isProtected);
    }
  });

  it.each([
    ['all of them', 'all', false, []],
    ['all by name', [...tables.keys()].join(','), false, []],
    ['one', 'registry', true, [...tables.keys()].filter((role) => role !== 'registry')],
  ])('with %s new protects only what is there already', (_which, newTables, isStackProtected, protectedTables) => {
    const { template, terminationProtection } = synthesize('prod', { newTables });
    const found = [...byRole(template.Resources, 'AWS::DynamoDB::GlobalTable')];

    expect(terminationProtection).toBe(isStackProtected);
    expect(
      found.filter(([, { Properties }]) => Properties.Replicas[0].DeletionProtectionEnabled).map(([role]) => role),
    ).toEqual(protectedTables);
  });

  it('that keeps data deletes with a failed creation whatever has a name, so that the next one finds it free', () => {
    const kept = Object.values(resourcesOf('prod', { newTables: 'all' })).filter(
      ({ Type, DeletionPolicy }) => DeletionPolicy === 'Retain' && Type !== 'AWS::CDK::Metadata',
    );

    expect(kept).toEqual([]);
  });

  it('with a topic for alarms tells it of each', () => {
    const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';
    const told = ofType(resourcesOf('test', { alarmTopicArn }), 'AWS::CloudWatch::Alarm');

    for (const [, { Properties }] of told) expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
  });
});
