import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { once } from '../functions/runtime/once.ts';
import { LocalDescription, OPERATOR_KEY_ID } from '../local/local-description.ts';
import { OperatorError, usageError } from './outcome.ts';
import { QUEUE_ROLES } from './queues.ts';

export const DEFAULT_DIRECTORY = '.laurel';

/** Which stack, as the command line and the environment say it. */
export type Target =
  | { readonly kind: 'local'; readonly directory: string; readonly options: string }
  | {
      readonly kind: 'stage';
      readonly stage: string;
      readonly options: string;
      readonly url: string | undefined;
      readonly adminKey: string | undefined;
    };

export type HttpAccess = { readonly baseUrl: string; readonly adminKey: string };

/** A stack, local or deployed: where its parts are, and clients that reach them. */
export type Connection = {
  readonly target: Target;
  /** For people: `the local stack in .laurel`. */
  readonly name: string;
  /** Equal for the same data only: a fresh local stack is another one. It holds no key. */
  readonly identity: string;
  /** Throws where a deployed stack's URL or key is not given. */
  http(): HttpAccess;
  readonly dynamodb: () => DynamoDBClient;
  readonly sqs: () => SQSClient;
  readonly lambda: () => LambdaClient;
  /** Undefined locally: nothing there plays CloudWatch. */
  readonly cloudwatch:
    { readonly metrics: () => CloudWatchClient; readonly logs: () => CloudWatchLogsClient } | undefined;
  functionName(role: string): string;
  tableName(role: string): string;
  queueName(role: string): string;
  /** The URL of each queue by its role. */
  queues(): Promise<ReadonlyMap<string, string>>;
  /** The file that a function's log is in; undefined where CloudWatch has it. */
  logFile(functionRole: string): string | undefined;
};

export const ApiUrl = z.url({ protocol: /^https?$/, error: 'expected an http or https address' });
const notEmpty = (value: unknown) => (value === '' ? undefined : value);
const Environment = z.object({
  LAUREL_URL: z.preprocess(notEmpty, ApiUrl.optional()),
  LAUREL_ADMIN_KEY: z.preprocess(notEmpty, z.string().optional()),
});

export type TargetOptions = {
  readonly local?: string | true | undefined;
  readonly stage?: string | undefined;
  readonly url?: string | undefined;
};

/** Without an option it is the local stack of this directory, where one is running. */
export function targetOf(options: TargetOptions, environment: Readonly<Record<string, string | undefined>>): Target {
  const { local, stage, url } = options;
  if (local !== undefined && stage !== undefined) throw usageError('choose one of --local and --stage');
  if (stage !== undefined) {
    const { data } = Environment.safeParse(environment);
    if (data === undefined) throw usageError('LAUREL_URL: expected an http or https address');
    const { LAUREL_URL, LAUREL_ADMIN_KEY } = data;
    return { kind: 'stage', stage, options: ` --stage ${stage}`, url: url ?? LAUREL_URL, adminKey: LAUREL_ADMIN_KEY };
  }
  if (url !== undefined) throw usageError('--url goes with --stage: a local stack says itself where it is');
  if (local === true) return { kind: 'local', directory: DEFAULT_DIRECTORY, options: ' --local' };
  if (local !== undefined) return { kind: 'local', directory: local, options: ` --local ${shellWord(local)}` };
  if (existsSync(join(DEFAULT_DIRECTORY, 'local.json'))) {
    return { kind: 'local', directory: DEFAULT_DIRECTORY, options: '' };
  }
  throw usageError(
    'which stack? --local [DIRECTORY] for one that `npm start` runs (none runs on ./.laurel), --stage STAGE for a deployed one',
  );
}

/** A text as one word of a shell. */
const shellWord = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** A command for the same stack, to be pasted: the options that chose it are as they were given. */
export const hintOf = ({ options }: Target, command: string): string => `laurel ${command}${options}`;

export const connect = (target: Target): Connection =>
  target.kind === 'local' ? connectLocal(target) : connectStage(target);

function connectLocal(target: Extract<Target, { kind: 'local' }>): Connection {
  const { directory } = target;
  const description = readDescription(directory);
  const { region, baseUrl, adminKey, functions, tables, queues } = description;
  const credentials = { accessKeyId: OPERATOR_KEY_ID, secretAccessKey: 'local' };
  const named = (kind: string, names: Readonly<Record<string, string>>, role: string) => {
    const name = names[role];
    if (name === undefined) throw new OperatorError('not_there', `the local stack has no ${kind} ${role}`);
    return name;
  };
  const queueUrls = new Map(Object.entries(queues));
  return {
    target,
    name: `the local stack in ${directory}`,
    identity: `local ${createHash('sha256').update(adminKey).digest('hex').slice(0, 16)}`,
    http: () => ({ baseUrl, adminKey }),
    dynamodb: once(() => new DynamoDBClient({ region, credentials, endpoint: description.dynamodbEndpoint })),
    sqs: once(() => new SQSClient({ region, credentials, endpoint: description.sqsEndpoint })),
    lambda: once(() => lambdaClient({ region, credentials, endpoint: description.lambdaEndpoint })),
    cloudwatch: undefined,
    functionName: (role) => named('function', functions, role),
    tableName: (role) => named('table', tables, role),
    queueName: (role) => named('queue', queues, role).split('/').at(-1) ?? role,
    queues: async () => queueUrls,
    logFile: (functionRole) => join(directory, 'logs', `${functionRole}.log`),
  };
}

function readDescription(directory: string): LocalDescription {
  const file = join(directory, 'local.json');
  if (!existsSync(file)) {
    const start = directory === DEFAULT_DIRECTORY ? 'npm start' : `npm start -- --data ${shellWord(directory)}`;
    throw new OperatorError('not_running', `no local stack runs on ${resolve(directory)}: start it with \`${start}\``);
  }
  return LocalDescription.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** How SQS names its refusal, by the older protocol and by the newer one. */
const NO_QUEUE: ReadonlySet<string> = new Set(['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue']);

export const notDeployed = (stage: string): string =>
  `stage ${stage} is not deployed in this account and region. To deploy it, bootstrap the account once ` +
  `(npx cdk bootstrap), then: LAUREL_STAGE=${stage} npm run deploy`;

function connectStage(target: Extract<Target, { kind: 'stage' }>): Connection {
  const { stage, url, adminKey } = target;
  const physicalName = (role: string) => `laurel-${stage}-${role}`;
  const sqs = once(() => new SQSClient());
  /** By its whole name: what a list by prefix gives may be another stage's, `prod-eu` for `prod`. */
  const urlOf = async (role: string): Promise<string | undefined> => {
    try {
      return (await sqs().send(new GetQueueUrlCommand({ QueueName: physicalName(role) }))).QueueUrl;
    } catch (error) {
      if (error instanceof Error && NO_QUEUE.has(error.name)) return undefined;
      throw error;
    }
  };
  return {
    target,
    name: `stage ${stage}`,
    identity: `stage ${stage}`,
    http() {
      if (url === undefined) {
        throw usageError(
          'this needs the address of the API: --url or LAUREL_URL. The stack gives it as its output ApiUrl: ' +
            `aws cloudformation describe-stacks --stack-name Laurel-${stage} --query 'Stacks[0].Outputs'`,
        );
      }
      if (adminKey === undefined) {
        throw usageError(
          'this needs an admin key in LAUREL_ADMIN_KEY (not an option: options stand in the list of processes). ' +
            `The first one: laurel keys create-admin --stage ${stage}`,
        );
      }
      return { baseUrl: url.replace(/\/+$/, ''), adminKey };
    },
    dynamodb: once(() => new DynamoDBClient()),
    sqs,
    lambda: once(() => lambdaClient({})),
    cloudwatch: { metrics: once(() => new CloudWatchClient()), logs: once(() => new CloudWatchLogsClient()) },
    functionName: physicalName,
    tableName: physicalName,
    queueName: physicalName,
    async queues() {
      const found = await Promise.all(QUEUE_ROLES.map(async (role) => [role, await urlOf(role)] as const));
      const urls = new Map(found.flatMap(([role, url]) => (url === undefined ? [] : [[role, url] as const])));
      if (urls.size === 0) {
        throw new OperatorError(
          'not_deployed',
          `no queue is named ${physicalName(QUEUE_ROLES[0])}: ${notDeployed(stage)}`,
        );
      }
      return urls;
    },
    logFile: () => undefined,
  };
}

/** One try, and as long as Lambda itself allows: the SDK's own second try would start a second run. */
const lambdaClient = (options: ConstructorParameters<typeof LambdaClient>[0]): LambdaClient =>
  new LambdaClient({
    ...options,
    maxAttempts: 1,
    requestHandler: { requestTimeout: 900_000, connectionTimeout: 5_000 },
  });
