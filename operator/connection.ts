import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { paginateListQueues, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { once } from '../functions/runtime/once.ts';
import { LocalDescription } from '../local/local-description.ts';
import { OperatorError, usageError } from './outcome.ts';

export const DEFAULT_DIRECTORY = '.laurel';

/** Which stack, as the command line and the environment say it. */
export type Target =
  | { readonly kind: 'local'; readonly directory: string }
  | {
      readonly kind: 'stage';
      readonly stage: string;
      readonly url: string | undefined;
      readonly adminKey: string | undefined;
    };

export type HttpAccess = { readonly baseUrl: string; readonly adminKey: string };

/** A stack, local or deployed: where its parts are, and clients that reach them. */
export type Connection = {
  readonly target: Target;
  /** For people: `the local stack in .laurel`. */
  readonly name: string;
  /** The options that reach the same stack again, for commands that are suggested. */
  readonly options: string;
  /** Equal for the same data only: a fresh local stack is another one. It holds no key. */
  readonly identity: string;
  /** Throws where a deployed stack's URL or key is not given. */
  http(): HttpAccess;
  readonly dynamodb: () => DynamoDBClient;
  readonly sqs: () => SQSClient;
  readonly lambda: () => LambdaClient;
  /** Undefined locally: nothing there plays CloudWatch. */
  readonly cloudwatch: (() => CloudWatchClient) | undefined;
  functionName(role: string): string;
  tableName(role: string): string;
  queueName(role: string): string;
  /** The URL of each queue by its role. */
  queues(): Promise<ReadonlyMap<string, string>>;
  /** The file that a function's log is in; undefined where CloudWatch has it. */
  logFile(functionRole: string): string | undefined;
};

const Environment = z.object({ LAUREL_URL: z.url().optional(), LAUREL_ADMIN_KEY: z.string().min(1).optional() });

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
    const { LAUREL_URL, LAUREL_ADMIN_KEY } = Environment.parse(environment);
    return { kind: 'stage', stage, url: url ?? LAUREL_URL, adminKey: LAUREL_ADMIN_KEY };
  }
  if (url !== undefined) throw usageError('--url goes with --stage: a local stack says itself where it is');
  if (local !== undefined) return { kind: 'local', directory: local === true ? DEFAULT_DIRECTORY : local };
  if (existsSync(join(DEFAULT_DIRECTORY, 'local.json'))) return { kind: 'local', directory: DEFAULT_DIRECTORY };
  throw usageError(
    'which stack? --local [DIRECTORY] for one that `npm start` runs (none runs on ./.laurel), --stage STAGE for a deployed one',
  );
}

export const connect = (target: Target): Connection =>
  target.kind === 'local' ? connectLocal(target) : connectStage(target);

function connectLocal(target: Extract<Target, { kind: 'local' }>): Connection {
  const { directory } = target;
  const description = readDescription(directory);
  const { region, baseUrl, adminKey, functions, tables, queues } = description;
  const credentials = { accessKeyId: 'operator', secretAccessKey: 'operator' };
  const named = (kind: string, names: Readonly<Record<string, string>>, role: string) => {
    const name = names[role];
    if (name === undefined) throw new OperatorError('not_there', `the local stack has no ${kind} ${role}`);
    return name;
  };
  const queueUrls = new Map(Object.entries(queues));
  return {
    target,
    name: `the local stack in ${directory}`,
    options: directory === DEFAULT_DIRECTORY ? '--local' : `--local ${directory}`,
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
    const start = directory === DEFAULT_DIRECTORY ? 'npm start' : `npm start -- --data ${directory}`;
    throw new OperatorError('not_running', `no local stack runs on ${resolve(directory)}: start it with \`${start}\``);
  }
  return LocalDescription.parse(JSON.parse(readFileSync(file, 'utf8')));
}

function connectStage(target: Extract<Target, { kind: 'stage' }>): Connection {
  const { stage, url, adminKey } = target;
  const physicalName = (role: string) => `laurel-${stage}-${role}`;
  const sqs = once(() => new SQSClient());
  return {
    target,
    name: `stage ${stage}`,
    options: `--stage ${stage}`,
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
    cloudwatch: once(() => new CloudWatchClient()),
    functionName: physicalName,
    tableName: physicalName,
    queueName: physicalName,
    async queues() {
      const urls = new Map<string, string>();
      const prefix = physicalName('');
      for await (const page of paginateListQueues({ client: sqs(), pageSize: 1_000 }, { QueueNamePrefix: prefix })) {
        for (const queueUrl of page.QueueUrls ?? []) {
          urls.set(queueUrl.slice(queueUrl.lastIndexOf('/') + 1 + prefix.length), queueUrl);
        }
      }
      if (urls.size === 0)
        throw new OperatorError('not_there', `no queue is named ${prefix}… in this account and region`);
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
