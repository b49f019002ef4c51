import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { byRole, ofType } from '../support/template.ts';
import { resourcesOf, synthesize } from '../support/synthesis.ts';
import { tables } from './template-under-test.ts';

/** Differences between stages. Other tests read the one template that the local stack runs. */
describe('a stage', () => {
  it.each([
    ['prod', 'RetainExceptOnCreate', true],
    ['staging', 'RetainExceptOnCreate', true],
    ['dev', 'Delete', false],
    ['local', 'Delete', false],
  ])('%s: tables use %s, and deletion protection of tables and stack is %s', (stage, policy, isProtected) => {
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
  ])('with %s new protects only existing tables', (_which, newTables, isStackProtected, protectedTables) => {
    const { template, terminationProtection } = synthesize('prod', { newTables });
    const found = [...byRole(template.Resources, 'AWS::DynamoDB::GlobalTable')];

    expect(terminationProtection).toBe(isStackProtected);
    expect(
      found.filter(([, { Properties }]) => Properties.Replicas[0].DeletionProtectionEnabled).map(([role]) => role),
    ).toEqual(protectedTables);
  });

  it('that keeps data deletes named resources after a failed creation, so that the next one can use their names', () => {
    const kept = Object.values(resourcesOf('prod', { newTables: 'all' })).filter(
      ({ Type, DeletionPolicy }) => DeletionPolicy === 'Retain' && Type !== 'AWS::CDK::Metadata',
    );

    expect(kept).toEqual([]);
  });

  it('with an alarm topic sends each alarm to it', () => {
    const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';
    const told = ofType(resourcesOf('test', { alarmTopicArn }), 'AWS::CloudWatch::Alarm');

    for (const [, { Properties }] of told) expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
  });

  it('prod without a topic is refused with a sentence, unless it is marked as intended', () => {
    const outdir = mkdtempSync(join(tmpdir(), 'laurel-prod-'));
    onTestFinished(() => rmSync(outdir, { recursive: true }));
    const { LAUREL_ALARM_TOPIC_ARN: _topic, ...env } = process.env;
    const synth = (more: object) =>
      spawnSync(process.execPath, [join(import.meta.dirname, '..', '..', 'bin', 'app.ts')], {
        env: { ...env, LAUREL_STAGE: 'prod', CDK_OUTDIR: outdir, ...more },
        encoding: 'utf8',
      });

    const refused = synth({});
    expect([refused.status, refused.stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(refused.stderr).toContain('LAUREL_ALARMS=silent');
    expect(synth({ LAUREL_ALARM_TOPIC_ARN: 'my-topic' })).toMatchObject({
      status: 1,
      stderr: 'LAUREL_ALARM_TOPIC_ARN: expected the ARN of an SNS topic\n',
    });
    expect(readdirSync(outdir)).toEqual([]);

    expect(synth({ LAUREL_ALARMS: 'silent' }).status).toBe(0);
    expect(readdirSync(outdir)).toContain('Laurel-prod.template.json');
  });
});
