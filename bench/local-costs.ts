import autocannon from 'autocannon';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
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
const WARM_UP = 600;
/** So many, because a clock tick is 10 ms, and some 200 GETs take one tick. */
const BARE_GETS = 20_000;
/** `docs/operating/limits.md` says why this is not 85, a third of what the release of 28 November takes. */
const GETS_TARGET = 110;
const RESIDENT_BUDGET_MB = 400;
const DIRECT_ROUNDS = 3;
const DIRECT_TARGET = 1.1;

/** What the local stack itself costs: memory, its engine's writes, and the way to the engine. */
export async function measureLocalCosts({ loadSeconds, rounds }: Pick<Sizes, 'loadSeconds' | 'rounds'>) {
  const ratios = [await putsOfAFullStream(rounds), await directReads(loadSeconds)];
  const { megabytes, ratio } = await getsOfAProcess();
  const name = `local stack, resident after ${GETS.toLocaleString('en')} GETs`;
  return {
    costs: [cost(name, 'MB', megabytes, { budget: RESIDENT_BUDGET_MB })],
    ratios: [...ratios, ratio],
  } satisfies Measurements;
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

type Gets = { readonly megabytes: number; readonly ratio: Ratio };

/**
 * The CPU of a local stack and its engine for GETs of a score, its explanation and a board, in units of a handler that
 * gives the same answers with `node:http` alone. The stack is a process of its own, as `npm start` starts it.
 */
async function getsOfAProcess(): Promise<Gets> {
  const { path: data, remove } = scratchDirectory('bench');
  const stack = started(['bin/local.ts', '--empty', '--data', data, '--port', '0'], 'ignore');
  try {
    const file = join(data, 'local.json');
    while (!existsSync(file) && stack.child.exitCode === null) await sleep(50);
    const description = LocalDescription.parse(JSON.parse(readFileSync(file, 'utf8')));
    const answers = await answersOf(description);
    const spent = await cpuOfGets(stack.child, description.baseUrl, Object.keys(answers), GETS - WARM_UP);
    const bare = started(['bench/bare-answers.ts', JSON.stringify(answers)], 'pipe');
    const [port] = z
      .tuple([z.instanceof(Buffer)])
      .parse(await once(z.instanceof(Readable).parse(bare.child.stdout), 'data'));
    const least = await cpuOfGets(
      bare.child,
      `http://127.0.0.1:${String(port).trim()}`,
      Object.keys(answers),
      BARE_GETS,
    );
    await bare.end();
    const [, kilobytes = 'NaN'] = /VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${stack.child.pid}/status`, 'utf8')) ?? [];
    const name =
      'local stack and engine, CPU of mixed GETs, in those of a bare node:http handler with the same answers';
    return { megabytes: Number(kilobytes) / 1_024, ratio: ratioAtMost(name, spent / least, GETS_TARGET) };
  } finally {
    await stack.end();
    remove();
  }
}

function started(args: readonly string[], stdout: 'ignore' | 'pipe') {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'node-compile') };
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', stdout, 'inherit'] });
  const exited = once(child, 'exit');
  const end = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return { child, end };
}

/** The answers about one account that has events, by path. */
async function answersOf(stack: LocalDescription): Promise<Readonly<Record<string, string>>> {
  const key = await keyFor(stack, 'ada');
  const timestamps = Array.from({ length: 20 }, (_, day) => new Date(Date.now() - day * 86_400_000).toISOString());
  const events = timestamps.map((timestamp) => ({ event: 'cli_invocation', distinct_id: 'laptop', timestamp }));
  await post(stack, '/ingest', { events }, key);
  const textOf = async (path: string) => (await fetch(stack.baseUrl + path)).text();
  const [board, score] = ['/v1/leaderboards/alltime', '/v1/scores/ada'];
  while (!(await textOf(board)).includes('"ada"')) await sleep(200);
  const paths = [score, board, `${score}/explain`];
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [path, await textOf(path)] as const)));
}

/** The CPU time of a process and its children for one GET, in clock ticks: the mean of many GETs after a warm-up. */
async function cpuOfGets({ pid }: ChildProcess, url: string, paths: readonly string[], count: number): Promise<number> {
  const requests = paths.map((path) => ({ path }));
  const send = async (amount: number) => {
    const { '2xx': answers } = await autocannon({ url, connections: 8, amount, requests });
    if (answers !== amount) throw new Error(`${url} gave ${answers} of ${amount} answers`);
  };
  await send(WARM_UP);
  const before = ticksOf(String(pid));
  await send(count);
  return (ticksOf(String(pid)) - before) / count;
}

function ticksOf(pid: string): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /su, '')
    .split(' ')
    .slice(11, 13)
    .map(Number);
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return user + system + children.reduce((sum, child) => sum + ticksOf(child), 0);
}
