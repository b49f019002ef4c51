import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { awsCaller } from '../../local/aws-client.ts';
import { LocalDescription } from '../../local/local-description.ts';
import { type LocalStack, type LocalStackOptions, startLocalStack } from '../../local/local-stack.ts';
import { readAssembly } from '../../local/template/assembly.ts';
import type { StackModel } from '../../local/template/stack-model.ts';
import { assemblyOfRun } from './assembly.ts';
import { operatorPolicy } from './operator-policy.ts';
import { notePermissions } from './used-permissions.ts';

/** A bound on hanging, not a measure: machines are shared and slow at times. */
const PATIENCE_MS = 600_000;
const PATIENT_FUNCTION_MS = 300_000;
const RETRY_S = 120;

export type TestStack = LocalStack & { readonly dataDirectory: string };

export type TestStackOptions = Partial<Omit<LocalStackOptions, 'onDenial'>> & {
  /** Calls that a test provokes although no role allows them. Any other one fails the test when the stack stops. */
  readonly denied?: RegExp;
};

/**
 * Gathers batches for a fifth of a second instead of a whole one, and delays no refresh. Every change would wait for all
 * of that.
 */
export const promptly = (model: StackModel): StackModel => {
  const prompt = <Mapping extends { readonly windowMs: number }>(mapping: Mapping) => ({
    ...mapping,
    windowMs: Math.min(200, mapping.windowMs),
  });
  return {
    ...model,
    functions: model.functions.map((fn) => ({ ...fn, environment: { ...fn.environment, REFRESH_DELAY_SECONDS: '0' } })),
    streamMappings: model.streamMappings.map((mapping) => prompt(mapping)),
    queueMappings: model.queueMappings.map((mapping) => prompt(mapping)),
  };
};

/**
 * No function of the template is cut off because the machine is slow, and a message that failed for such a reason is
 * tried again two minutes after its batch. As deployed, a roll-up waits for half an hour.
 */
const patiently = (model: StackModel): StackModel => ({
  ...model,
  queues: model.queues.map(({ attributes, ...queue }) => {
    const { windowMs = 0 } = model.queueMappings.find((mapping) => mapping.queue.role === queue.role) ?? {};
    const seconds = Math.min(Number(attributes.VisibilityTimeout ?? 30), RETRY_S + Math.ceil(windowMs / 1_000));
    return { ...queue, attributes: { ...attributes, VisibilityTimeout: String(seconds) } };
  }),
  functions: model.functions.map((fn) => ({ ...fn, timeoutMs: Math.max(fn.timeoutMs, PATIENT_FUNCTION_MS) })),
});

/**
 * The whole stack of the synthesized template, empty, on free ports and with its own data directory, with short batch
 * windows. Another assembly, or a model from `adapt`, runs unchanged. Its `stop` throws if a function was denied a call:
 * it may have gone on without an answer, and its test would not tell.
 */
export async function startTestStack({ denied, ...options }: TestStackOptions = {}): Promise<TestStack> {
  const assembly = options.assembly ?? readAssembly(await assemblyOfRun(), 'Laurel-local');
  const dataDirectory = options.dataDirectory ?? temporaryDirectory();
  const isOurs = options.assembly === undefined;
  const adapt = options.adapt ?? (isOurs ? promptly : (model: StackModel) => model);
  const denials = new Set<string>();
  const stack = await startLocalStack({
    onDenial: (sentence) => denied?.test(sentence) !== true && denials.add(sentence),
    ...(isOurs ? { operatorPolicy: operatorPolicy(), onUse: notePermissions } : {}), // laurel runs on what its documentation grants
    ...options,
    adapt: (model) => (isOurs ? patiently(adapt(model)) : adapt(model)),
    assembly,
    dataDirectory,
  });
  return {
    ...stack,
    dataDirectory,
    drain: (given) => stack.drain({ timeoutMs: PATIENCE_MS, ...given }),
    async stop() {
      await stack.stop();
      if (options.dataDirectory === undefined) rmSync(dataDirectory, { recursive: true, force: true });
      if (denials.size > 0) throw new Error(`Missing in infra/capabilities:\n${[...denials].join('\n')}`);
    },
  };
}

/** What an operator asks the engines themselves with. The caller destroys the client. */
export const operatorOn = ({ dynamodbEndpoint: endpoint, sqsEndpoint, region }: TestStack) => ({
  dynamodb: new DynamoDBClient({
    ...{ endpoint, region },
    credentials: { accessKeyId: 'operator', secretAccessKey: 'operator' },
  }),
  sqs: awsCaller(sqsEndpoint, 'operator'),
});

/** Makes accounts whose ids are their names, so that a test finds by name what is stored of them. */
export async function accountsNamed(
  { tables, dynamodbEndpoint }: Pick<TestStack, 'tables' | 'dynamodbEndpoint'>,
  ...names: readonly string[]
): Promise<void> {
  const call = awsCaller(dynamodbEndpoint, 'operator');
  for (const name of names) {
    const items = [
      { pk: { S: `NAME#${name.slice(0, 1)}` }, sk: { S: name }, account: { S: name } },
      { pk: { S: `ACCOUNT#${name}` }, sk: { S: 'ACCOUNT' }, username: { S: name }, rev: { N: '1' } },
    ];
    for (const Item of items) await call('DynamoDB_20120810.PutItem', { TableName: tables.accounts, Item });
  }
}

export const temporaryDirectory = (): string => mkdtempSync(join(tmpdir(), 'laurel-'));

export type StackProcess = {
  readonly process: ChildProcess;
  /** Its output so far, from stdout and stderr. */
  printed(): string;
  /** Waits for the line `Laurel is ready` and reads `local.json`. */
  ready(): Promise<LocalDescription>;
  /** Ends it and waits. Returns the exit code, or null if the signal ended it. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGHUP'): Promise<number | null>;
  exited(): Promise<number | null>;
};

const ROOT = join(import.meta.dirname, '..', '..');

/** Runs `npm start -- <args>` without npm, as a separate process on a free port. */
export const spawnLaurel = (dataDirectory: string, ...args: readonly string[]): StackProcess =>
  spawnStack(process.execPath, [join(ROOT, 'bin', 'local.ts')], dataDirectory, args);

/** Runs npm as well: `process` is npm's. The environment may be changed. */
export const spawnNpmStart = (
  dataDirectory: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): StackProcess => spawnStack('npm', ['start', '--'], dataDirectory, args, env);

function spawnStack(
  command: string,
  first: readonly string[],
  dataDirectory: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): StackProcess {
  const child = spawn(command, [...first, '--data', dataDirectory, '--port', '0', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const exited = async () => {
    if (!hasExited()) await once(child, 'exit');
    return child.exitCode;
  };
  return {
    process: child,
    printed: () => output,
    async ready() {
      await until(() => hasExited() || /^Laurel is ready/m.test(output));
      const file = join(dataDirectory, 'local.json');
      if (!existsSync(file)) throw new Error(`It did not become ready:\n${output}`);
      return LocalDescription.parse(JSON.parse(readFileSync(file, 'utf8')));
    },
    async end(signal) {
      child.kill(signal);
      return exited();
    },
    exited,
  };
}

/** Waits for a condition. Throws after `timeoutMs`. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = PATIENCE_MS): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Not so after ${timeoutMs} ms: ${condition.toString()}`);
    await sleep(20);
  }
}
