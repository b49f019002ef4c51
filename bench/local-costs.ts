import autocannon from 'autocannon';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { awsCaller } from '../local/aws-client.ts';
import { startDynamoDbEngine } from '../local/engines/dynamodb-engine.ts';
import { LocalDescription } from '../local/local-description.ts';
import { scratchDirectory } from '../local/script.ts';
import { keyFor, post, withLocalStack } from './local-stack.ts';
import { cost, type Measurements, median, type Ratio, ratioAtLeast, ratioAtMost } from './measurements.ts';
import type { Sizes } from './sizes.ts';

const ROOT = join(import.meta.dirname, '..');
const RECORDS = 8_000;
const GETS = 2_000;
const RESIDENT_BUDGET_MB = 400;
const DIRECT_ROUNDS = 3;
const DIRECT_TARGET = 1.1;

/** What the local stack itself costs: memory, its engine's writes, and the way to the engine. */
export async function measureLocalCosts({ loadSeconds, rounds }: Pick<Sizes, 'loadSeconds' | 'rounds'>) {
  const ratios = [await putsOfAFullStream(rounds), await directReads(loadSeconds)];
  const megabytes = await residentMegabytes();
  const name = `local stack, resident after ${GETS.toLocaleString('en')} GETs`;
  return { costs: [cost(name, 'MB', megabytes, { budget: RESIDENT_BUDGET_MB })], ratios } satisfies Measurements;
}

/** Each put adds a stream record. Without an index, the engine reads all records of the table at each put. */
async function putsOfAFullStream(rounds: number): Promise<Ratio> {
  const engine = await startDynamoDbEngine('dynoxide');
  const call = awsCaller(engine.endpoint, 'bench');
  const keys = ['pk', 'sk'];
  await call('DynamoDB_20120810.CreateTable', {
    TableName: 'facts',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: keys.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
  });
  let put = 0;
  const puts = async (count: number): Promise<number> => {
    const begun = performance.now();
    for (const last = put + count; put < last; put += 1) {
      const Item = { pk: { S: String(put) }, sk: { S: 'x' }, text: { S: 'y'.repeat(300) } };
      await call('DynamoDB_20120810.PutItem', { TableName: 'facts', Item });
    }
    return performance.now() - begun;
  };
  const timed = async () => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) times.push(await puts(100));
    return median(times);
  };
  await puts(100);
  const first = await timed();
  await puts(RECORDS);
  const later = await timed();
  await engine.stop();
  return ratioAtMost(
    `local stack, a put after ${RECORDS.toLocaleString('en')} others, against the first ones`,
    later / first,
    1.5,
  );
}

/**
 * Reads with and without the proxy between threads and engine, in the same run: how many for the same CPU of this process,
 * because a busy machine changes how many there are a second.
 */
async function directReads(loadSeconds: number): Promise<Ratio> {
  const rateOf = (options: Parameters<typeof withLocalStack>[0]) =>
    withLocalStack(options, async (stack) => {
      const key = await keyFor(stack, 'ada');
      const event = { event: 'cli_invocation', distinct_id: 'laptop', timestamp: new Date().toISOString() };
      await post(stack, '/ingest', { events: [event] }, key);
      await stack.drain();
      const url = `${stack.baseUrl}/v1/scores/ada`;
      await autocannon({ url, connections: 8, amount: 400 }); // warms the threads
      const before = process.cpuUsage();
      const { '2xx': answers } = await autocannon({ url, connections: 8, duration: loadSeconds });
      const { user, system } = process.cpuUsage(before);
      return answers / (user + system);
    });
  const ratios: number[] = [];
  for (let round = 0; round < DIRECT_ROUNDS; round += 1) {
    ratios.push((await rateOf({})) / (await rateOf({ observe: () => undefined })));
  }
  return ratioAtLeast(
    'local stack, GETs for the same CPU, against calls through the proxy',
    median(ratios),
    DIRECT_TARGET,
  );
}

/** Of a process of its own, as `npm start` starts it. */
async function residentMegabytes(): Promise<number> {
  const { path: data, remove } = scratchDirectory('bench');
  const env = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'node-compile') };
  const child = spawn(process.execPath, ['bin/local.ts', '--empty', '--data', data, '--port', '0'], { cwd: ROOT, env });
  const exited = once(child, 'exit');
  const file = join(data, 'local.json');
  while (!existsSync(file) && child.exitCode === null) await sleep(50);
  const { baseUrl } = LocalDescription.parse(JSON.parse(readFileSync(file, 'utf8')));
  await autocannon({ url: `${baseUrl}/v1/leaderboards/alltime`, connections: 8, amount: GETS });
  const [, kilobytes = 'NaN'] = /VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  child.kill('SIGTERM');
  await exited;
  remove();
  return Number(kilobytes) / 1_024;
}
