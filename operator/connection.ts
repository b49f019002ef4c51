import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { once } from '../functions/runtime/once.ts';
import { LocalDescription, OPERATOR_KEY_ID } from '../local/local-description.ts';
import { jsonOf } from './api.ts';
import { OperatorError, usageError } from './outcome.ts';
import { QUEUE_ROLES } from './queues.ts';
import { physicalName } from '../functions/runtime/names.ts';

export const DEFAULT_DIRECTORY = '.laurel';

/** The functions of a deployed stack. A test compares them with the template. */
export const FUNCTION_ROLES = [
  ...[
    'announce-changes',
    'backfill',
    'check-conservation',
    'confirm-publish',
    'erase-accounts',
    'export-account',
    'forward-request',
  ],
  ...[
    'import-history',
    'ingest-telemetry',
    'link-logins',
    'manage-accounts',
    'manage-devices',
    'manage-keys',
    'rank-leaderboards',
    'read-api',
    'record-award',
    'refresh-score',
  ],
  ...['roll-up-metrics', 'serve-pages', 'set-visibility', 'shadow-report', 'take-hooks'],
] as const;

/** The stack that the command line and the environment select. */
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

/** A local or deployed stack: the addresses of its parts, and clients for them. */
export type Connection = {
  readonly target: Target;
  /** Shown to people: `the local stack in .laurel`. */
  readonly name: string;
  /**
   * Identifies the stored data: a local stack that was started with --fresh gets a new identity. It contains no key.
   */
  readonly identity: string;
  /** Throws if the URL or the key of a deployed stack is not set. */
  http(): HttpAccess;
  readonly dynamodb: () => DynamoDBClient;
  readonly sqs: () => SQSClient;
  readonly lambda: () => LambdaClient;
  /** Undefined on a local stack, which has no CloudWatch. */
  readonly cloudwatch:
    { readonly metrics: () => CloudWatchClient; readonly logs: () => CloudWatchLogsClient } | undefined;
  /** What deployed it. Undefined on a local stack. */
  readonly cloudformation: (() => CloudFormationClient) | undefined;
  /** The roles of all functions. */
  readonly functions: readonly string[];
  functionName(role: string): string;
  tableName(role: string): string;
  queueName(role: string): string;
  /** The URL of each queue by its role. */
  queues(): Promise<ReadonlyMap<string, string>>;
  /** The log file of a function; undefined if its log is in CloudWatch. */
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

/** Without options, the target is the local stack of this directory, if it is running. */
export function targetOf(options: TargetOptions, environment: Readonly<Record<string, string | undefined>>): Target {
  const { local, stage, url } = options;
  if (local !== undefined && stage !== undefined) throw usageError('choose either --local or --stage');
  if (stage !== undefined) {
    const { data } = Environment.safeParse(environment);
    if (data === undefined) throw usageError('LAUREL_URL: expected an http or https address');
    const { LAUREL_URL, LAUREL_ADMIN_KEY } = data;
    return { kind: 'stage', stage, options: ` --stage ${stage}`, url: url ?? LAUREL_URL, adminKey: LAUREL_ADMIN_KEY };
  }
  if (url !== undefined) throw usageError('--url needs --stage: a local stack publishes its own address');
  if (local === true) return { kind: 'local', directory: DEFAULT_DIRECTORY, options: ' --local' };
  if (local !== undefined) return { kind: 'local', directory: local, options: ` --local ${shellWord(local)}` };
  if (existsSync(join(DEFAULT_DIRECTORY, 'local.json'))) {
    return { kind: 'local', directory: DEFAULT_DIRECTORY, options: '' };
  }
  throw usageError(
    'which stack? --local [DIRECTORY] for one that `npm start` runs (none runs on ./.laurel), --stage STAGE for a deployed one',
  );
}

/** Quotes a text as one word for a shell. */
const shellWord = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** A command for the same stack, to be pasted. It repeats the options that selected the stack. */
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
    cloudformation: undefined,
    functions: Object.keys(functions),
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
  const { data } = LocalDescription.safeParse(jsonOf(readFileSync(file, 'utf8')));
  if (data === undefined) {
    const why = 'it was cut off, or another version of Laurel wrote it. Start the stack again';
    throw new OperatorError('not_running', `${resolve(file)} does not describe a local stack: ${why}`);
  }
  return data;
}

/** SQS's error names for a missing queue, in the older and the newer protocol. */
const NO_QUEUE: ReadonlySet<string> = new Set(['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue']);

export const notDeployed = (stage: string): string =>
  `stage ${stage} is not deployed in this account and region. To deploy it, bootstrap the account once ` +
  `(npx cdk bootstrap), then: LAUREL_STAGE=${stage} npm run deploy`;

function connectStage(target: Extract<Target, { kind: 'stage' }>): Connection {
  const { stage, url, adminKey } = target;
  const nameOf = (role: string) => physicalName({ name: stage }, role);
  const sqs = once(() => new SQSClient());
  /** Compares the full name, because a prefix also matches other stages: `prod` matches `prod-eu`. */
  const urlOf = async (role: string): Promise<string | undefined> => {
    try {
      return (await sqs().send(new GetQueueUrlCommand({ QueueName: nameOf(role) }))).QueueUrl;
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
          'this needs an admin key in LAUREL_ADMIN_KEY (it is not an option, because the process list shows options). ' +
            `To create the first key: laurel keys create-admin --stage ${stage}`,
        );
      }
      return { baseUrl: url.replace(/\/+$/, ''), adminKey };
    },
    dynamodb: once(() => new DynamoDBClient()),
    sqs,
    lambda: once(() => lambdaClient({})),
    cloudwatch: { metrics: once(() => new CloudWatchClient()), logs: once(() => new CloudWatchLogsClient()) },
    cloudformation: once(() => new CloudFormationClient()),
    functions: FUNCTION_ROLES,
    functionName: nameOf,
    tableName: nameOf,
    queueName: nameOf,
    async queues() {
      const found = await Promise.all(QUEUE_ROLES.map(async (role) => [role, await urlOf(role)] as const));
      const urls = new Map(found.flatMap(([role, url]) => (url === undefined ? [] : [[role, url] as const])));
      if (urls.size === 0) {
        throw new OperatorError('not_deployed', `there is no queue ${nameOf(QUEUE_ROLES[0])}: ${notDeployed(stage)}`);
      }
      return urls;
    },
    logFile: () => undefined,
  };
}

/** No retries, and a timeout as long as Lambda's: a retry of the SDK would start a second run. */
const lambdaClient = (options: ConstructorParameters<typeof LambdaClient>[0]): LambdaClient =>
  new LambdaClient({
    ...options,
    maxAttempts: 1,
    requestHandler: { requestTimeout: 900_000, connectionTimeout: 5_000 },
  });
