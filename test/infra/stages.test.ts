import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { byRole, ofType } from '../support/template.ts';
import { resourcesOf, synthesize } from '../support/synthesis.ts';
import { Limits } from '../../infra/stage.ts';
import { tables } from './template-under-test.ts';

const alarmTopicArn = 'arn:aws:sns:eu-west-1:123456789012:alarms';

/** Differences between stages. Other tests read the one template that the local stack runs. */
describe('a stage', () => {
  it.each([
    ['prod', 'RetainExceptOnCreate', true],
    ['staging', 'RetainExceptOnCreate', true],
    ['dev', 'Delete', false],
    ['local', 'Delete', false],
  ])('%s: tables use %s, and deletion protection of tables and stack is %s', async (stage, policy, isProtected) => {
    const { template, terminationProtection } = await synthesize(stage);

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
  ])('with %s new protects only existing tables', async (_which, newTables, isStackProtected, protectedTables) => {
    const { template, terminationProtection } = await synthesize('prod', { newTables });
    const found = [...byRole(template.Resources, 'AWS::DynamoDB::GlobalTable')];

    expect(terminationProtection).toBe(isStackProtected);
    expect(
      found.filter(([, { Properties }]) => Properties.Replicas[0].DeletionProtectionEnabled).map(([role]) => role),
    ).toEqual(protectedTables);
  });

  it('that keeps data deletes named resources after a failed creation, so that the next one can use their names', async () => {
    const kept = Object.values(await resourcesOf('prod', { newTables: 'all' })).filter(
      ({ Type, DeletionPolicy }) => DeletionPolicy === 'Retain' && Type !== 'AWS::CDK::Metadata',
    );

    expect(kept).toEqual([]);
  });

  it('with an alarm topic sends each alarm to it', async () => {
    const told = ofType(await resourcesOf('test', { alarmTopicArn }), 'AWS::CloudWatch::Alarm');

    for (const [, { Properties }] of told) expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
  });

  it('with a known concurrency reserves parts of it for the API, and leaves 40 % to the workers', async () => {
    const reserved = async (accountConcurrency?: number) =>
      [...byRole(await resourcesOf('test', { accountConcurrency }), 'AWS::Lambda::Function')].flatMap(
        ([role, { Properties }]) =>
          Properties.ReservedConcurrentExecutions === undefined
            ? []
            : [[role, Properties.ReservedConcurrentExecutions]],
      );

    expect(Object.fromEntries(await reserved(1_000))).toEqual({
      'ingest-telemetry': 200,
      'read-api': 200,
      'serve-pages': 100,
      'confirm-publish': 100,
    });
    expect([await reserved(10), await reserved()]).toEqual([[], []]); // AWS would refuse them in a small account
  });

  it('with a budget tells the topic at 80 %, and if more than all of it is expected', async () => {
    const [[, { Properties }]] = ofType(
      await resourcesOf('test', { budgetDollars: 25, alarmTopicArn }),
      'AWS::Budgets::Budget',
    ) as any;

    expect(Properties.Budget.BudgetLimit).toEqual({ Amount: 25, Unit: 'USD' });
    expect(
      Properties.NotificationsWithSubscribers.map(({ Notification, Subscribers }: any) => [
        Notification.NotificationType,
        Notification.Threshold,
        Subscribers[0].Address,
      ]),
    ).toEqual([
      ['ACTUAL', 80, alarmTopicArn],
      ['FORECASTED', 100, alarmTopicArn],
    ]);
  });

  it('has the limits of its settings', async () => {
    const limits = Limits.parse({ writes: '7', tableWrites: '9' });
    const resources = await resourcesOf('test', { limits });
    const [[, api]] = ofType(resources, 'AWS::ApiGatewayV2::Stage') as any;

    expect(api.Properties.RouteSettings['ANY /ingest'].ThrottlingRateLimit).toBe(7);
    expect(byRole(resources, 'AWS::DynamoDB::GlobalTable').get('telemetry')!.Properties).toMatchObject({
      WriteOnDemandThroughputSettings: { MaxWriteRequestUnits: 9 },
    });
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
    expect(synth({ LAUREL_LIMITS: 'writes=many' })).toMatchObject({
      status: 1,
      stderr: 'LAUREL_LIMITS.writes: expected a whole number from 1 to 10000\n',
    });
    expect(synth({ LAUREL_LIMITS: 'reads=5' }).stderr).toMatch(/^LAUREL_LIMITS: .*reads.*\n$/u);
    expect(readdirSync(outdir)).toEqual([]);

    // edge.test.ts has such a stage checked, with all that this one has. The checks take 6 s of CPU.
    expect(synth({ LAUREL_ALARMS: 'silent', CDK_VALIDATION: 'false' }).status).toBe(0);
    expect(readdirSync(outdir)).toContain('Laurel-prod.template.json');
  });
});
