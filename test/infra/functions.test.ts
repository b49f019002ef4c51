import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RefreshScoreEnv } from '../../functions/refresh-score/env.ts';
import { bundleOf } from '../../infra/bundle.ts';
import { environmentOf } from '../../infra/environment.ts';
import { KNOWN_ERRORS } from '../../infra/sdk-parts.ts';
import { grantsOf, ofType } from '../support/template.ts';
import { functions, resources } from './template-under-test.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'functions');
const dynamodb = (...actions: string[]) => actions.map((action) => `dynamodb:${action}`).sort();
const sqs = (...actions: string[]) => actions.map((action) => `sqs:${action}`).sort();

describe('functions', () => {
  it.each([
    [
      'import-history',
      {
        accounts: dynamodb('BatchGetItem', 'PutItem'),
        telemetry: dynamodb('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'),
        score_grants: dynamodb('GetItem', 'BatchGetItem', 'PutItem'),
        registry: dynamodb('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'ConditionCheckItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
      },
    ],
    [
      'ingest-telemetry',
      {
        accounts: dynamodb('BatchGetItem', 'PutItem'),
        telemetry: dynamodb('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'),
        score_grants: dynamodb('GetItem', 'BatchGetItem', 'PutItem'),
        registry: dynamodb('GetItem', 'BatchGetItem', 'PutItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
        'score-refresh': sqs('SendMessage'),
      },
    ],
    [
      'announce-changes',
      {
        'telemetry.StreamArn': dynamodb('DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'),
        'score_grants.StreamArn': dynamodb('DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'),
        'registry.StreamArn': dynamodb('DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'),
        'user_scores.StreamArn': dynamodb('DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'),
        telemetry: dynamodb('GetItem'),
        backfill_runs: dynamodb('PutItem'),
        'score-refresh': sqs('SendMessage'),
        'roll-up': sqs('SendMessage'),
        rank: sqs('SendMessage'),
        erase: sqs('SendMessage'),
        'announce-changes-failures': sqs('SendMessage'),
      },
    ],
    [
      'refresh-score',
      {
        telemetry: dynamodb('Query', 'UpdateItem'),
        registry: dynamodb('Query'),
        user_scores: dynamodb('Query', 'PutItem', 'ConditionCheckItem'),
        score_grants: dynamodb('GetItem', 'PutItem'),
        'score_grants/index/byUser': dynamodb('Query'),
        'score-refresh': sqs('ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes', 'SendMessage'),
      },
    ],
    [
      'backfill',
      {
        accounts: dynamodb('BatchGetItem', 'Scan', 'Query'),
        telemetry: dynamodb('BatchGetItem', 'Query'),
        'telemetry/index/byHour': dynamodb('Query'),
        registry: dynamodb('BatchGetItem', 'GetItem', 'Query'),
        'registry/index/byHour': dynamodb('Query'),
        score_grants: dynamodb('BatchGetItem', 'GetItem'),
        'score_grants/index/byHour': dynamodb('Query'),
        'score_grants/index/byUser': dynamodb('Query'),
        metric_rollup_hour: dynamodb('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'DeleteItem'),
        user_scores: dynamodb('Query', 'PutItem'),
        'user_scores/index/byShard': dynamodb('Query', 'Scan'),
        backfill_runs: dynamodb('GetItem', 'Query', 'PutItem', 'UpdateItem', 'BatchWriteItem'),
        'score-refresh': sqs('SendMessage'),
        backfill: sqs('SendMessage', 'ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'),
      },
    ],
    [
      'check-conservation',
      {
        accounts: dynamodb('BatchGetItem'),
        telemetry: dynamodb('DescribeTable', 'Query', 'Scan'),
        registry: dynamodb('Query'),
        score_grants: dynamodb('DescribeTable', 'GetItem', 'Scan'),
        'score_grants/index/byUser': dynamodb('Query'),
        user_scores: dynamodb('DescribeTable', 'Query'),
        'user_scores/index/byShard': dynamodb('Scan'),
        backfill_runs: dynamodb('GetItem', 'UpdateItem'),
        'score-refresh': sqs('GetQueueAttributes'),
        backfill: sqs('GetQueueAttributes'),
      },
    ],
    [
      'manage-devices',
      {
        accounts: dynamodb('BatchGetItem', 'PutItem'),
        telemetry: dynamodb('GetItem', 'UpdateItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
      },
    ],
    [
      'manage-keys',
      {
        accounts: dynamodb('BatchGetItem', 'PutItem'),
        credentials: dynamodb('GetItem', 'PutItem', 'UpdateItem', 'Scan'),
        registry: dynamodb('GetItem', 'PutItem', 'DeleteItem', 'Query'),
      },
    ],
    [
      'confirm-publish',
      {
        accounts: dynamodb('BatchGetItem', 'PutItem'),
        registry: dynamodb('GetItem', 'PutItem', 'DeleteItem', 'Query', 'ConditionCheckItem'),
        score_grants: dynamodb('BatchGetItem', 'PutItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
      },
    ],
    [
      'record-award',
      {
        accounts: dynamodb('BatchGetItem', 'PutItem'),
        score_grants: dynamodb('GetItem', 'PutItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
      },
    ],
    [
      'shadow-report',
      {
        accounts: dynamodb('BatchGetItem'),
        registry: dynamodb('GetItem'),
        user_scores: dynamodb('Query'),
        'user_scores/index/byShard': dynamodb('Scan'),
        score_grants: dynamodb('GetItem', 'Scan'),
        'score_grants/index/byUser': dynamodb('Query'),
      },
    ],
    [
      'roll-up-metrics',
      {
        accounts: dynamodb('BatchGetItem', 'Query'),
        telemetry: dynamodb('BatchGetItem'),
        'telemetry/index/byHour': dynamodb('Query'),
        score_grants: dynamodb('BatchGetItem'),
        'score_grants/index/byHour': dynamodb('Query'),
        registry: dynamodb('BatchGetItem', 'GetItem', 'Query'),
        'registry/index/byHour': dynamodb('Query'),
        'user_scores/index/byShard': dynamodb('Query'),
        metric_rollup_hour: dynamodb('GetItem', 'BatchGetItem', 'Query', 'PutItem', 'DeleteItem'),
        'roll-up': sqs('ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes', 'SendMessage'),
      },
    ],
    [
      'rank-leaderboards',
      {
        accounts: dynamodb('BatchGetItem', 'Query'),
        'user_scores/index/byShard': dynamodb('Query'),
        leaderboards: dynamodb('GetItem', 'PutItem'),
        rank: sqs('SendMessage', 'ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'),
      },
    ],
    [
      'forward-request',
      Object.fromEntries(
        [
          ...['ingest-telemetry', 'import-history', 'confirm-publish', 'manage-accounts', 'manage-devices'],
          ...['manage-keys', 'record-award', 'set-visibility', 'read-api', 'serve-pages', 'link-logins', 'take-hooks'],
          'export-account',
        ].map((role) => [role, ['lambda:InvokeFunction']]),
      ),
    ],
    [
      'take-hooks',
      {
        accounts: dynamodb('BatchGetItem', 'PutItem'),
        hook_sources: dynamodb('GetItem'),
        telemetry: dynamodb('GetItem', 'PutItem'),
        score_grants: dynamodb('GetItem', 'PutItem'),
      },
    ],
    [
      'link-logins',
      {
        accounts: dynamodb('GetItem', 'BatchGetItem', 'PutItem', 'DeleteItem'),
        user_scores: dynamodb('UpdateItem'),
        score_grants: dynamodb('GetItem'),
        telemetry: dynamodb('GetItem', 'PutItem', 'DeleteItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
      },
    ],
    [
      'manage-accounts',
      {
        accounts: dynamodb('GetItem', 'BatchGetItem', 'PutItem', 'DeleteItem'),
        user_scores: dynamodb('UpdateItem'),
        score_grants: dynamodb('GetItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
      },
    ],
    [
      'erase-accounts',
      {
        accounts: dynamodb('GetItem', 'UpdateItem', 'DeleteItem'),
        credentials: dynamodb('Scan', 'UpdateItem', 'DeleteItem'),
        user_scores: dynamodb('Query', 'DeleteItem'),
        telemetry: dynamodb('GetItem', 'Query', 'UpdateItem', 'DeleteItem'),
        registry: dynamodb('GetItem', 'Query', 'PutItem', 'DeleteItem'),
        score_grants: dynamodb('Scan', 'UpdateItem'),
        'score_grants/index/byUser': dynamodb('Query'),
        leaderboards: dynamodb('GetItem', 'Query', 'UpdateItem'),
        metric_rollup_hour: dynamodb('GetItem', 'BatchGetItem', 'PutItem', 'DeleteItem'),
        erase: sqs('SendMessage', 'ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'),
      },
    ],
    [
      'set-visibility',
      {
        accounts: dynamodb('BatchGetItem', 'PutItem', 'DeleteItem'),
        user_scores: dynamodb('GetItem', 'Query', 'UpdateItem'),
        credentials: dynamodb('GetItem', 'UpdateItem'),
      },
    ],
    [
      'export-account',
      {
        accounts: dynamodb('BatchGetItem', 'GetItem'),
        telemetry: dynamodb('GetItem', 'Query'),
        registry: dynamodb('Query'),
        score_grants: dynamodb('GetItem'),
        'score_grants/index/byUser': dynamodb('Query'),
        user_scores: dynamodb('Query'),
        credentials: dynamodb('GetItem', 'Scan', 'UpdateItem'),
      },
    ],
    ...(['read-api', 'serve-pages'] as const).map((role): [string, Record<string, string[]>] => [
      role,
      {
        accounts: dynamodb('BatchGetItem', 'Query'),
        user_scores: dynamodb('Query', 'BatchGetItem'),
        leaderboards: dynamodb('GetItem', 'Query'),
        metric_rollup_hour: dynamodb('Query', 'BatchGetItem'),
        score_grants: dynamodb('GetItem'),
        'score_grants/index/byUser': dynamodb('Query'),
      },
    ]),
  ])('%s may do what it needs and nothing else', (role, needs) => {
    const ownLog = [[`Allow log of /aws/lambda/laurel-local-${role}`, ['logs:CreateLogStream', 'logs:PutLogEvents']]];
    const allowed = Object.entries(needs).map(([target, actions]) => [`Allow ${target}`, actions]);

    expect(grantsOf(resources, role)).toEqual(Object.fromEntries([...ownLog, ...allowed]));
  });

  it('have roles without managed or inline policies, which the grants above would not show', () => {
    for (const [, { Properties }] of ofType(resources, 'AWS::IAM::Role')) {
      expect(Properties).not.toHaveProperty('ManagedPolicyArns');
      expect(Properties).not.toHaveProperty('Policies');
    }
    expect(ofType(resources, 'AWS::IAM::ManagedPolicy')).toEqual([]);
  });

  it('have one role each', () => {
    const roles = [...functions.values()].map(({ Properties }) => Properties.Role['Fn::GetAtt'][0]);

    expect(new Set(roles).size).toBe(functions.size);
  });

  it.each([...functions.keys()].map(String))('%s gets the environment that it parses', async (role) => {
    const [schema] = Object.values(await import(join(FOLDER, role, 'env.ts')));
    const given = Object.keys(functions.get(role)!.Properties.Environment.Variables);

    expect(given.sort()).toEqual(Object.keys((schema as { shape: object }).shape).sort());
  });

  it('have bundles of at most 350 KB, and so have the parts that are loaded later', () => {
    const scripts = [...functions.keys()].flatMap((role) =>
      readdirSync(bundleOf(String(role)))
        .filter((name) => name.endsWith('.js'))
        .map((name) => ({ script: `${String(role)}/${name}`, path: join(bundleOf(String(role)), name) })),
    );
    const sizes = scripts.map(({ script, path }) => [script, Math.ceil(statSync(path).size / 1_024)] as const);

    expect(sizes.length).toBeGreaterThan(functions.size);
    expect(sizes.filter(([, size]) => size > 350)).toEqual([]);
  });

  it('keep the errors of AWS that they distinguish', () => {
    const sources = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const told = sources.flatMap((name) =>
      [...readFileSync(join(FOLDER, name), 'utf8').matchAll(/instanceof (\w+Exception)\b/gu)].map(([, error]) =>
        String(error),
      ),
    );

    expect(told).not.toEqual([]);
    expect(told.filter((error) => !KNOWN_ERRORS.has(error))).toEqual([]);
  });

  it('do not compile without a name that their environment needs', () => {
    // @ts-expect-error SCORES_TABLE is missing: if this compiles, `npm run check` fails here
    const environment = environmentOf(RefreshScoreEnv, { TELEMETRY_TABLE: 'a-table' });

    expect(environment).not.toHaveProperty('SCORES_TABLE');
  });

  it.each([
    ['forward-request', 15],
    ['ingest-telemetry', 10],
    ['import-history', 10],
    ['manage-accounts', 10],
    ['manage-devices', 10],
    ['manage-keys', 10],
    ['record-award', 10],
    ['shadow-report', 900],
    ['confirm-publish', 10],
    ['export-account', 10],
    ['read-api', 10],
    ['serve-pages', 10],
    ['announce-changes', 60],
    ['refresh-score', 60],
    ['roll-up-metrics', 900],
    ['backfill', 300],
    ['erase-accounts', 300],
    ['check-conservation', 900],
  ])('%s times out after %i s', (role, seconds) => {
    expect(functions.get(role)!.Properties.Timeout).toBe(seconds);
  });

  it('have names of stage and role, run on Node 24 and arm64, and keep their logs for a limited time', () => {
    for (const [role, { Properties }] of functions) {
      expect(Properties).toMatchObject({
        FunctionName: `laurel-local-${role}`,
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
      });
      const log = resources[Properties.LoggingConfig.LogGroup.Ref]!;
      expect(log.Properties.RetentionInDays).toBeGreaterThan(0);
    }
  });
});

describe('a function that feeds itself through a queue', () => {
  it('is allowed to, and no other function is', () => {
    const allowed = [...functions].filter(([, { Properties }]) => Properties.RecursiveLoop === 'Allow');

    const roles = ['backfill', 'erase-accounts', 'refresh-score', 'roll-up-metrics'];
    expect(allowed.map(([role]) => role).sort()).toEqual(roles);
  });
});
