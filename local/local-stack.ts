import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readErrorLine, tailOf } from '../functions/adapters/disk/log-file.ts';
import { ensureAdminKey } from './admin-key.ts';
import { awsCaller } from './aws-client.ts';
import { openDataDirectory } from './data-directory.ts';
import { defaultEngine, type EngineName, startDynamoDbEngine } from './engines/dynamodb-engine.ts';
import { startQueueEngine } from './engines/queue-engine.ts';
import { startRestartable } from './engines/restartable.ts';
import { ensureQueues } from './engines/queues.ts';
import { ensureTable } from './engines/tables.ts';
import { trimStreams } from './engines/stream-records.ts';
import { deploymentOf } from './deployment.ts';
import { openCheckpoints } from './events/checkpoints.ts';
import type { EventSource } from './events/event-source.ts';
import { keyOfSchedule, sourcesOf } from './events/sources.ts';
import type { StreamSource, StreamSourceOptions } from './events/stream-source.ts';
import { ExplainedError, explanationOf } from './explained-error.ts';
import { lackOfSpace, stackLog, startHousekeeping } from './housekeeping.ts';
import { startHttpFront } from './http/http-front.ts';
import {
  functionPool,
  type FunctionPool,
  type InvocationResult,
  type ObservedInvocation,
} from './lambda/function-pool.ts';
import type { DirectCalls } from './lambda/direct-calls.ts';
import { environmentOf } from './lambda/environment.ts';
import { startInspected } from './lambda/inspected.ts';
import { drain } from './drain.ts';
import { watchHealth } from './health.ts';
import { handleInvoke } from './lambda/invoke-endpoint.ts';
import { type Disturbance, type ObservedCall, type ProxyOptions, startAwsProxy } from './proxy/aws-proxy.ts';
import { type LocalDescription, OPERATOR_KEY_ID } from './local-description.ts';
import { parsePolicy } from './proxy/policy.ts';
import type { Assembly } from './template/assembly.ts';
import type { Surroundings } from './template/references.ts';
import { readStack, type FunctionModel, type StackModel } from './template/stack-model.ts';

export const LOCAL_REGION = 'us-east-1';
/** The account id that fauxqs writes into the ARNs of its queues. */
export const LOCAL_ACCOUNT = '000000000000';
const OPERATOR_KEY = 'operator';

/** How long a stop waits for running batches. */
const STOP_PATIENCE_MS = 3_000;
/** The number of threads of a function behind the HTTP API. Further requests wait. */
const HTTP_WORKERS = 4;
/**
 * Of a function behind queues or streams: one thread for each processor. More would only take processor time to start; at
 * least two, so that invocations still overlap as they do in Lambda.
 */
const LEAST_WORKERS = 2;
/** The variable that holds how long refreshes are delayed. */
const DELAY = 'REFRESH_DELAY_SECONDS';

export type LocalStackOptions = {
  readonly assembly: Assembly;
  readonly dataDirectory: string;
  /** Deletes the data directory's content first. */
  readonly fresh?: boolean;
  readonly port?: number; // 0 chooses a free port, and is the default
  /** Runs the functions for a debugger that attaches to this port: from their sources, in one thread, without timeouts. */
  readonly inspectorPort?: number | undefined;
  readonly engine?: EngineName;
  /** Changes the template's model, for tests: removes a permission, shortens a visibility timeout. */
  readonly adapt?: (model: StackModel) => StackModel;
  /** Statements that limit the calls of `laurel`. If omitted, it may call everything. */
  readonly operatorPolicy?: readonly unknown[];
  /** A clock for the retries of stream mappings, for tests that let hours pass at once. */
  readonly streamTime?: Pick<StreamSourceOptions, 'clock' | 'backOff'>;
  /** Called for each call. With it, and with `countsCapacity`, all calls go through the proxy. */
  readonly observe?: (call: ObservedCall) => void;
  /** Called with permissions that a function has used, at least for the first use. */
  readonly onUse?: ProxyOptions['onUse'];
  /** Called for each call that a role does not allow. */
  readonly onDenial?: ProxyOptions['onDenial'];
  /** Adds the consumed capacity to each observed call. */
  readonly countsCapacity?: boolean;
  readonly observeInvocation?: (invocation: ObservedInvocation) => void;
  readonly progress?: (step: string) => void;
  /**
   * Called when the API answers, before queues are read: what it writes is then refreshed once, not again and again while
   * more comes in. Nothing else is gained by waiting, so refreshes are not delayed until `loaded`.
   */
  readonly load?: ((target: Pick<LocalDescription, 'baseUrl' | 'adminKey'>) => Promise<void>) | undefined;
  /** Called when a function starts to fail, and when it has recovered. */
  readonly onHealth?: (sentence: string) => void;
  /** For tests: the free bytes on the disk of a path. */
  readonly freeBytes?: (path: string) => number;
};

/** Faults that tests inject while everything else keeps running. From the first one on, all calls go through the proxy. */
export type Crash = {
  /** Ends a thread of the function with this role, a busy one if possible. Returns false if there is none. */
  thread(role: string): Promise<boolean>;
  /** Kills the engine and restarts it on its data after `downMs`. A call without an answer is not completed. */
  database(downMs: number): Promise<void>;
  queues(downMs: number): Promise<void>;
  /** For `forMs`, the database or the queues refuse and delay calls of the functions with these roles. */
  disturb(roles: readonly string[], forMs: number, disturbance: Disturbance): Promise<void>;
};

export type LocalStack = LocalDescription & {
  /** Writes `<data>/local.json`, which marks the stack as ready. */
  publish(): void;
  /** Waits until every stream is read, every queue with a consumer but `except` is empty, and no function runs. */
  drain(options?: { readonly timeoutMs?: number; readonly except?: readonly string[] }): Promise<void>;
  /** Delays refreshes from now on, as in the template. Call it when all that `load` wrote is refreshed. */
  loaded(): Promise<void>;
  /** Settles when the stack cannot continue: an engine has crashed, or the disk is full. */
  readonly failed: Promise<Error>;
  readonly crash: Crash;
  /** The address that a debugger connects to, if the stack was started for one. */
  readonly inspectorUrl: () => string | undefined;
  /** Serves the next invocations of functions from other bundles, by their roles. Running invocations finish. */
  replaceCode(directories: ReadonlyMap<string, string>): Promise<void>;
  /** Invokes the function with this role. */
  invoke(role: string, event: unknown): Promise<InvocationResult>;
  stop(): Promise<void>;
};

/** Starts all resources of the template on the loopback interface, with the data in the directory. */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const undo: (() => void | Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    return await boot(options, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function boot(
  options: LocalStackOptions,
  undo: (() => void | Promise<void>)[],
  stop: () => Promise<void>,
): Promise<LocalStack> {
  const { assembly, progress = () => undefined, adapt = (model: StackModel) => model } = options;
  const read = (known: Pick<Surroundings, 'awsEndpoint' | 'streamArnOf'>) =>
    adapt(readStack(assembly, { region: LOCAL_REGION, accountId: LOCAL_ACCOUNT, ...known }));
  // The check comes before anything starts, so that an unsupported template does not leave half a stack behind.
  read({ awsEndpoint: 'http://127.0.0.1', streamArnOf: (table) => `arn:aws:dynamodb:::table/${table}/stream/later` });

  const data = openDataDirectory(options.dataDirectory, { fresh: options.fresh ?? false });
  undo.push(() => data.close());
  const deployment = deploymentOf(data, assembly);
  const lack = lackOfSpace(data, options.freeBytes);
  if (lack !== undefined) throw lack;
  const failing = Promise.withResolvers<Error>();
  const log = stackLog(data, failing.resolve);
  const engine = options.engine ?? defaultEngine();
  const checkpoints = openCheckpoints(data.file('checkpoints.db'));
  undo.push(() => checkpoints.close());
  const trim = () => engine === 'dynoxide' && trimStreams(data.file('dynamodb', engine), checkpoints.all(), Date.now());
  trim();
  const housekeeping = startHousekeeping({ data, trim, fail: failing.resolve, freeBytes: options.freeBytes });
  undo.push(() => housekeeping.stop());

  progress(`Starting ${engine} and fauxqs`);
  const functions = new Map<string, FunctionPool>();
  const proxy = await startAwsProxy({
    region: LOCAL_REGION,
    accountId: LOCAL_ACCOUNT,
    handleOther: (request, response, body, judge) => handleInvoke(request, response, body, { functions, judge }),
    ...(options.observe && { observe: options.observe }),
    ...(options.onUse && { onUse: options.onUse }),
    onDenial: options.onDenial,
    countsCapacity: options.countsCapacity ?? false,
  });
  undo.push(() => proxy.stop());
  const [dynamodb, sqs] = await Promise.all([
    startRestartable(() =>
      startDynamoDbEngine(engine, {
        dataDirectory: data.file('dynamodb', engine),
        logFile: data.file('logs', 'engine.log'),
      }),
    ),
    startRestartable(() => startQueueEngine({ region: LOCAL_REGION, dataDirectory: data.file('sqs') })),
  ]);
  undo.push(
    () => dynamodb.stop(),
    () => sqs.stop(),
  );

  const streams = new Map<string, string>();
  const model = () =>
    read({ awsEndpoint: proxy.endpoint, streamArnOf: (table) => streams.get(table) ?? `no stream of ${table}` });
  const connect = () => proxy.connect({ dynamodbEndpoint: dynamodb.endpoint(), sqsEndpoint: sqs.endpoint() });
  connect();

  progress('Creating tables and queues');
  const { tables, queues } = model();
  const client = new DynamoDBClient({
    endpoint: proxy.endpoint,
    region: LOCAL_REGION,
    credentials: { accessKeyId: OPERATOR_KEY, secretAccessKey: OPERATOR_KEY },
  });
  undo.push(() => client.destroy());
  const operator = awsCaller(proxy.endpoint, OPERATOR_KEY);
  await Promise.all([
    ensureQueues(operator, queues),
    ...tables.map(async (table) => {
      const stream = await ensureTable(client, table);
      if (stream !== undefined) streams.set(table.name, stream);
    }),
  ]);

  const stack = model();
  const keyOf = ({ role }: FunctionModel) => `function-${role}`;
  proxy.allow([
    ...stack.functions.map((fn) => ({ role: fn.role, accessKeyId: keyOf(fn), policy: fn.policy })),
    ...stack.schedules.map((each) => ({ role: each.name, accessKeyId: keyOfSchedule(each), policy: each.policy })),
    ...(options.operatorPolicy === undefined
      ? []
      : [{ role: 'laurel', accessKeyId: OPERATOR_KEY_ID, policy: parsePolicy('laurel', options.operatorPolicy) }]),
  ]);
  const logOf = (role: string) => data.file('logs', `${role}.log`);
  const health = watchHealth({
    say: options.onHealth ?? (() => undefined),
    lastError: (role) =>
      tailOf(logOf(role))
        .map(readErrorLine)
        .findLast((error) => error !== undefined)?.message,
  });
  const isFed = new Set([...stack.queueMappings, ...stack.streamMappings].map(({ functionName }) => functionName));
  const { inspectorPort } = options;
  const inspected = inspectorPort === undefined ? undefined : await startInspected(inspectorPort);
  const mayBypass = new Int32Array(new SharedArrayBuffer(4));
  mayBypass[0] = options.observe === undefined && options.countsCapacity !== true ? 1 : 0;
  const throughProxy = () => void Atomics.store(mayBypass, 0, 0);
  const direct = {
    region: LOCAL_REGION,
    accountId: LOCAL_ACCOUNT,
    proxyPort: Number(new URL(proxy.endpoint).port),
    dynamodbEndpoint: dynamodb.endpoint(),
    sqsEndpoint: sqs.endpoint(),
    mayBypass,
  } satisfies Omit<DirectCalls, 'policy'>;
  const wake = (table: string) => {
    for (const source of streamSources) if (source.tableName === table) source.wake();
  };
  let streamSources: readonly StreamSource[] = [];
  let sources: readonly EventSource[] = [];
  const environmentFor = (fn: FunctionModel) =>
    environmentOf(fn, { accessKeyId: keyOf(fn), endpoint: proxy.endpoint, region: LOCAL_REGION });
  const isDelaying = ({ environment }: FunctionModel) => DELAY in environment;
  for (const fn of stack.functions) {
    functions.set(
      fn.name,
      functionPool({
        model: fn,
        environment: { ...environmentFor(fn), ...(options.load && isDelaying(fn) ? { [DELAY]: '0' } : {}) },
        // Modules are shared in the inspected thread, and Lambda runs one invocation at a time in each of them.
        ...(inspected === undefined
          ? { maxWorkers: workersOf(fn, stack) }
          : { maxWorkers: 1, startSandbox: inspected.sandbox }),
        logFile: logOf(fn.role),
        onLogFailure: failing.resolve,
        direct: { ...direct, policy: [...fn.policy] },
        onCalls: ({ used, wrote }) => {
          if (used.length > 0) options.onUse?.(fn.role, used);
          wrote.forEach(wake);
        },
        observe: (invocation) => {
          // The sources of queues and streams report failures themselves, with the items that failed.
          if (!isFed.has(fn.name))
            health.note(fn.role, 'an invocation', { [invocation.isFailed ? 'failed' : 'done']: [''] });
          options.observeInvocation?.(invocation);
        },
      }),
    );
  }
  const stopFunctions = async () => {
    await Promise.all([inspected?.stop(), ...[...functions.values()].map((pool) => pool.stop())]);
  };
  undo.push(stopFunctions);

  proxy.onWrite(wake);
  undo.push(async () => {
    const stopped = Promise.all(sources.map((source) => source.stop()));
    await Promise.race([stopped, sleep(STOP_PATIENCE_MS, undefined, { ref: false })]);
    await stopFunctions(); // interrupted work is delivered again after the next start
    await stopped;
  });

  if (deployment.isChanged) progress('The code or the template has changed: stale scores are refreshed');
  await deployment.announce(stack.onDeployment, operator);
  const adminKey = await ensureAdminKey(data, client, tableName(stack, 'credentials'));
  const front = await startHttpFront({
    port: options.port ?? 0,
    model: stack,
    functions,
    clock: Date.now,
    report: log,
    hasTimeout: inspected === undefined,
  });
  undo.push(() => front.stop());
  const { startStreams, startOthers } = sourcesOf(stack, functions, {
    checkpoints,
    endpoint: proxy.endpoint,
    keyOf,
    report: log,
    health,
    streamTime: options.streamTime,
    region: LOCAL_REGION,
  });
  streamSources = startStreams();
  sources = streamSources;
  await options.load?.({ baseUrl: front.baseUrl, adminKey });
  sources = [...streamSources, ...startOthers()];

  const description: LocalDescription = {
    baseUrl: front.baseUrl,
    lambdaEndpoint: proxy.endpoint,
    dynamodbEndpoint: proxy.endpoint,
    sqsEndpoint: proxy.endpoint,
    region: LOCAL_REGION,
    adminKey,
    functions: Object.fromEntries(stack.functions.map(({ role, name }) => [role, name])),
    queues: Object.fromEntries(stack.queues.map(({ role, url }) => [role, url])),
    tables: Object.fromEntries(stack.tables.map(({ role, name }) => [role, name])),
  };

  const poolOf = (role: string): FunctionPool => {
    const pool = [...functions.values()].find(({ model }) => model.role === role);
    if (pool === undefined) throw new Error(`The template has no function with the role ${role}`);
    return pool;
  };
  let isStopping = false;
  const ended =
    (name: string) =>
    (cause: unknown): Error | Promise<never> => {
      if (isStopping) return new Promise(() => undefined);
      const why = explanationOf(cause, data.path) ?? `${name} ended: see ${data.file('logs')}`;
      return lackOfSpace(data, options.freeBytes) ?? new ExplainedError(why, { cause });
    };
  return {
    ...description,
    publish: () => data.publish(description),
    drain: ({ timeoutMs = 60_000, except } = {}) =>
      drain({ stack, functions, sources, operator, timeoutMs, logs: data.file('logs'), except }),
    async loaded() {
      const delay = async (fn: FunctionModel) =>
        functions.get(fn.name)?.replaceCode(fn.codeDirectory, environmentFor(fn));
      await Promise.all(stack.functions.filter(isDelaying).map(delay));
    },
    failed: Promise.race([failing.promise, dynamodb.failed.then(ended(engine)), sqs.failed.then(ended('fauxqs'))]),
    crash: {
      thread: (role) => poolOf(role).endThread(),
      async database(downMs) {
        throughProxy();
        await dynamodb.killAndStart(downMs).then(connect);
      },
      async queues(downMs) {
        throughProxy();
        await sqs.killAndStart(downMs).then(connect);
      },
      async disturb(roles, forMs, disturbance) {
        throughProxy();
        for (const role of roles) proxy.disturb(role, disturbance);
        await sleep(forMs, undefined, { ref: false });
        for (const role of roles) proxy.disturb(role, undefined);
      },
    },
    inspectorUrl: () => inspected?.url(),
    async replaceCode(directories) {
      if (inspected !== undefined) await inspected.restart();
      else await Promise.all([...directories].map(([role, directory]) => poolOf(role).replaceCode(directory)));
    },
    invoke: (role, event) => poolOf(role).invoke(JSON.stringify(event)),
    async stop() {
      isStopping = true;
      await stop();
    },
  };
}

function workersOf(fn: FunctionModel, { queueMappings, streamMappings }: StackModel): number {
  const isOurs = ({ functionName }: { readonly functionName: string }) => functionName === fn.name;
  const sources = [
    ...queueMappings.filter(isOurs).map(({ maxConcurrency }) => maxConcurrency),
    ...streamMappings.filter(isOurs).map(({ lanes }) => lanes),
  ];
  if (sources.length === 0) return HTTP_WORKERS;
  const atATime = sources.reduce((sum, each) => sum + each, 0);
  return Math.min(atATime, Math.max(LEAST_WORKERS, availableParallelism()));
}

function tableName({ tables }: StackModel, role: string): string {
  const table = tables.find((candidate) => candidate.role === role);
  if (table === undefined) throw new Error(`The template has no table with the role ${role}`);
  return table.name;
}
