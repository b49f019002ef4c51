import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, describe, expect, it } from 'vitest';
import { connect, targetOf } from '../../operator/connection.ts';
import { openLogs } from '../../operator/logs.ts';
import { operate, spawnOperator } from '../support/operator.ts';
import { until } from '../support/stack.ts';

const directory = mkdtempSync(join(tmpdir(), 'laurel-logs-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const url = 'http://127.0.0.1:9';
writeFileSync(
  join(directory, 'local.json'),
  JSON.stringify({
    ...{
      baseUrl: url,
      lambdaEndpoint: url,
      dynamodbEndpoint: url,
      sqsEndpoint: url,
      region: 'us-east-1',
      adminKey: 'k',
    },
    ...{
      functions: { 'read-api': 'laurel-local-read-api', backfill: 'laurel-local-backfill' },
      queues: {},
      tables: {},
    },
  }),
);
mkdirSync(join(directory, 'logs'));
const append = (role: string, ...lines: readonly string[]) =>
  appendFileSync(join(directory, 'logs', `${role}.log`), lines.map((line) => `${line}\n`).join(''));
const line = (timestamp: string, message: string) => JSON.stringify({ level: 'INFO', message, timestamp });
append(
  'read-api',
  line('2026-08-21T10:00:00.000Z', 'early'),
  line('2026-08-21T12:00:00.000Z', 'first'),
  'printed \u001b[2J by hand',
  line('2026-08-21T12:00:02.000Z', 'third'),
);
append('backfill', JSON.stringify({ _aws: { Timestamp: Date.parse('2026-08-21T12:00:01.000Z') }, Done: 2 }));
const SINCE = ['--since', '2026-08-21T11:00:00Z'] as const;

describe('laurel logs', () => {
  it('merges the logs of all functions by time, from a time on', async () => {
    const { code, said } = await operate(directory, 'logs', ...SINCE);

    expect(code).toBe(0);
    expect(said.lines.map(({ function: role, at }: any) => [role, at.slice(11, 19)])).toEqual([
      ['read-api', '12:00:00'],
      ['read-api', '12:00:00'], // it has no time of its own
      ['backfill', '12:00:01'],
      ['read-api', '12:00:02'],
    ]);
  });

  it('shows one function, with control characters escaped', async () => {
    const { stdout } = await spawnOperator(['logs', 'read-api', ...SINCE, '--local', directory]).ended;

    expect(stdout.split('\n')).toHaveLength(4);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/printed .*\[2J by hand/u);
  });

  it.each([
    ['an unknown function', ['nope'], /there is no function nope. There are backfill, read-api/u],
    ['a time that is none', ['--since', 'noon'], /--since: expected 30s, 10m, 2h or 3d, or a time such as/u],
    ['a document without an end', ['--follow', '--json'], /--follow does not end/u],
  ])('refuses %s in a sentence', async (_what, args, words) => {
    const { code, stdout, stderr } = await spawnOperator(['logs', ...args, '--local', directory]).ended;

    expect(code).toBe(2);
    expect(stdout + stderr).toMatch(words);
  });

  it('follows: shows each new line once, until Ctrl-C', async () => {
    const { process: child, ended } = spawnOperator(['logs', 'backfill', ...SINCE, '--follow', '--local', directory]);
    let stdout = '';
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    await until(() => stdout.includes('"Done":2'));
    append('backfill', line('2026-08-21T12:00:05.000Z', 'later'));
    await until(() => stdout.includes('later'));
    append('backfill', line('2026-08-21T12:00:06.000Z', 'last'));
    await until(() => stdout.includes('last'));
    child.kill('SIGINT');

    expect((await ended).code).toBe(130);
    expect(stdout.match(/later/gu)).toHaveLength(1);
  });

  it('reads a deployed function from CloudWatch, late lines too and none twice', async () => {
    const logs = mockClient(CloudWatchLogsClient);
    const event = (eventId: string, timestamp: number) => ({ eventId, timestamp, message: `${eventId}\n` });
    logs
      .on(FilterLogEventsCommand, { logGroupName: '/aws/lambda/laurel-prod-read-api' })
      .resolvesOnce({ events: [event('a', 100_000)], nextToken: 'more' })
      .resolvesOnce({ events: [event('b', 200_000)] })
      .resolvesOnce({ events: [event('late', 190_000), event('b', 200_000), event('c', 200_001)] });
    const { read } = openLogs(connect(targetOf({ stage: 'prod' }, {})), ['read-api'], 50_000);

    expect((await read()).map(({ text }) => text)).toEqual(['a', 'b']);
    expect((await read()).map(({ text }) => text)).toEqual(['late', 'c']);
    const starts = logs.commandCalls(FilterLogEventsCommand).map(({ args: [{ input }] }) => input.startTime);
    expect(starts).toEqual([50_000, 50_000, 170_000]);
    logs.restore();
  });
});
