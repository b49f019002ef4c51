import type { LaurelTables } from './laurel-tables.ts';
import { BY_HOUR_INDEX, BY_SHARD_INDEX, BY_USER_INDEX } from '../functions/runtime/names.ts';

type Statement = { readonly resourceArn: string; readonly actions: readonly string[] };

/** A named set of permissions of a function. */
export type Policy = readonly Statement[];

const allowing =
  (service: string) =>
  (resourceArn: string, ...verbs: readonly string[]): Policy => [
    { resourceArn, actions: verbs.map((verb) => `${service}:${verb}`) },
  ];
const dynamodb = allowing('dynamodb');
const sqs = allowing('sqs');
const lambda = allowing('lambda');
const logs = allowing('logs');

/** Writes lines into its own log. */
export const writeLog = (log: { readonly logGroupArn: string }): Policy =>
  logs(log.logGroupArn, 'CreateLogStream', 'PutLogEvents');

/** Calls a function and waits for its answer. */
export const invoke = (fn: { readonly functionArn: string }): Policy => lambda(fn.functionArn, 'InvokeFunction');

type QueueArn = { readonly queueArn: string };

/** Sends messages. */
export const sendTo = ({ queueArn }: QueueArn): Policy => sqs(queueArn, 'SendMessage');

/** Receives messages, and deletes the handled ones. */
export const drain = ({ queueArn }: QueueArn): Policy =>
  sqs(queueArn, 'ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes');

/** Reads the number of waiting messages. */
export const measure = ({ queueArn }: QueueArn): Policy => sqs(queueArn, 'GetQueueAttributes');

/** Reads every change of a table. Reading needs three actions, but Lambda refuses a mapping without all four. */
export const readStream = (streamArn: string): Policy =>
  dynamodb(streamArn, 'DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams');

/** The permissions of each policy on the tables. No policy covers all tables or all verbs. */
export function tablePolicies(tables: LaurelTables) {
  const telemetry = tables.telemetry.tableArn;
  const registry = tables.registry.tableArn;
  const grants = tables.scoreGrants.tableArn;
  const scores = tables.userScores.tableArn;
  const byHour = (table: string) => `${table}/index/${BY_HOUR_INDEX}`;
  const linesByUser = `${grants}/index/${BY_USER_INDEX}`;
  const scoresByShard = `${scores}/index/${BY_SHARD_INDEX}`;

  return {
    /** Authenticates a request by its key. The update records when the key was last used. */
    authenticate: dynamodb(tables.credentials.tableArn, 'GetItem', 'UpdateItem'),
    /** Reads the names of accounts. */
    readNames: dynamodb(tables.accounts.tableArn, 'BatchGetItem'),
    /** Finds all accounts. */
    listAccounts: dynamodb(tables.accounts.tableArn, 'Scan'),
    /** Reads the accounts whose names begin with a text, and those whose names changed. */
    listNames: dynamodb(tables.accounts.tableArn, 'Query'),
    /** The same, and makes an account for a name that nobody has. */
    makeAccounts: dynamodb(tables.accounts.tableArn, 'BatchGetItem', 'PutItem'),
    /** Merges accounts, and tells refreshes about it. */
    mergeAccounts: [
      ...dynamodb(tables.accounts.tableArn, 'GetItem', 'BatchGetItem', 'PutItem', 'DeleteItem'),
      ...dynamodb(scores, 'UpdateItem'),
    ],
    /** Renames, merges and erases accounts, and tells refreshes about it. */
    keepAccounts: [
      ...dynamodb(tables.accounts.tableArn, 'GetItem', 'BatchGetItem', 'PutItem', 'DeleteItem'),
      ...dynamodb(scores, 'UpdateItem'),
    ],
    /** Reads all that is stored of one account. */
    exportAccounts: [
      ...dynamodb(tables.accounts.tableArn, 'BatchGetItem', 'GetItem'),
      ...dynamodb(telemetry, 'GetItem', 'Query'),
      ...dynamodb(registry, 'Query'),
      ...dynamodb(grants, 'GetItem'),
      ...dynamodb(linesByUser, 'Query'),
      ...dynamodb(scores, 'Query'),
      ...dynamodb(tables.credentials.tableArn, 'Scan'),
    ],
    /** Removes what is stored of an erased account. No other role may change a line, and this one only removes its texts. */
    eraseAccounts: [
      ...dynamodb(tables.accounts.tableArn, 'GetItem', 'UpdateItem', 'DeleteItem'),
      ...dynamodb(tables.credentials.tableArn, 'Scan', 'UpdateItem', 'DeleteItem'),
      ...dynamodb(scores, 'Query', 'DeleteItem'),
      ...dynamodb(telemetry, 'GetItem', 'Query', 'UpdateItem', 'DeleteItem'),
      ...dynamodb(registry, 'GetItem', 'Query', 'PutItem', 'DeleteItem'),
      ...dynamodb(grants, 'Scan', 'UpdateItem'),
      ...dynamodb(linesByUser, 'Query'),
      ...dynamodb(tables.leaderboards.tableArn, 'GetItem', 'Query', 'UpdateItem'),
      ...dynamodb(tables.rollups.tableArn, 'GetItem', 'BatchGetItem', 'PutItem', 'DeleteItem'),
    ],
    /** Creates, lists and revokes keys. */
    keepKeys: dynamodb(tables.credentials.tableArn, 'GetItem', 'PutItem', 'UpdateItem', 'Scan'),

    /** Stores events, devices and their owners, issues and sign-ins. */
    storeTelemetry: dynamodb(telemetry, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem'),
    /** Stores reported facts, and the names of repositories that identify them. */
    storeReports: dynamodb(telemetry, 'GetItem', 'PutItem'),
    /** Reads the secrets that sign hooks. */
    readHookSecrets: dynamodb(tables.hookSources.tableArn, 'GetItem'),
    /** Links and unlinks logins. */
    linkLogins: dynamodb(telemetry, 'GetItem', 'PutItem', 'DeleteItem'),
    /** Unbinds devices. */
    unbindDevices: dynamodb(telemetry, 'GetItem', 'UpdateItem'),
    /** Reads the owner of a device. */
    readOwners: dynamodb(telemetry, 'GetItem'),
    /** Reads the telemetry of a known account, and keeps what was stored of a device before it had an owner. */
    foldTelemetry: dynamodb(telemetry, 'Query', 'UpdateItem'),
    /** Reads the telemetry of any account. */
    refoldTelemetry: dynamodb(telemetry, 'Query'),
    /** The same, finds the accounts, and reads the number of items, to draw a sample. */
    sampleTelemetry: dynamodb(telemetry, 'Query', 'Scan', 'DescribeTable'),

    /** Records versions, yanks, transfers and the members of a collective. A version is never deleted, only a membership of today. */
    publish: dynamodb(registry, 'GetItem', 'PutItem', 'DeleteItem', 'Query', 'ConditionCheckItem'),
    /** Records versions of the past, for those who were members then, and pulls. */
    importVersions: dynamodb(registry, 'GetItem', 'BatchGetItem', 'PutItem', 'Query', 'ConditionCheckItem'),
    /** Sets the members of a collective. Their history stays: only a membership of today is deleted. */
    setMembers: dynamodb(registry, 'GetItem', 'PutItem', 'DeleteItem', 'Query'),
    /** Records pulls of versions. */
    recordPulls: dynamodb(registry, 'GetItem', 'BatchGetItem', 'PutItem'),
    /** Reads the versions and pulls of an account. */
    readRegistry: dynamodb(registry, 'Query'),
    /** Reads whether a version is yanked. */
    readVersions: dynamodb(registry, 'GetItem'),

    /** Appends lines to the ledger. No role may update or delete a line, or write one without reading its condition. */
    appendGrants: dynamodb(grants, 'GetItem', 'PutItem'),
    /** The same for very many lines of many accounts. */
    appendManyGrants: dynamodb(grants, 'GetItem', 'BatchGetItem', 'PutItem'),
    /** Appends the lines of a publish: one for each account that it counts for. */
    appendPublishGrants: dynamodb(grants, 'BatchGetItem', 'PutItem'),
    /** Reads a line or a balance by its key. */
    readBalances: dynamodb(grants, 'GetItem'),
    /** Reads the lines of an account in their order. */
    readLines: dynamodb(linesByUser, 'Query'),
    /** Reads balances, and finds the accounts that have one. */
    scanGrants: dynamodb(grants, 'GetItem', 'Scan'),
    /** The same, and reads the number of items, to draw a sample. */
    sampleGrants: dynamodb(grants, 'GetItem', 'Scan', 'DescribeTable'),

    /** Saves folds and scores, over the revision that it read. */
    saveScores: dynamodb(scores, 'Query', 'PutItem'),
    /** Moves the balance of an account that is shown as part of another one, on condition that it still is. */
    checkProfiles: dynamodb(scores, 'ConditionCheckItem'),
    /** Hides an account from the boards, or shows it again, and tells readers. */
    saveProfiles: [
      ...dynamodb(scores, 'GetItem', 'Query', 'UpdateItem'),
      ...dynamodb(tables.accounts.tableArn, 'PutItem', 'DeleteItem'),
    ],
    /** Reads scores one by one or by the hundred. */
    readScores: dynamodb(scores, 'Query', 'BatchGetItem'),
    /** Reads scores one by one, with their explanations. */
    explainScores: dynamodb(scores, 'Query'),
    /** Reads the score of an account, and the number of items. */
    sampleScores: dynamodb(scores, 'Query', 'DescribeTable'),
    /** Lists all accounts with their points. */
    listScores: dynamodb(scoresByShard, 'Query'),
    /** Lists all accounts with their points, and finds the accounts that have a score. */
    listAndFindScores: dynamodb(scoresByShard, 'Query', 'Scan'),
    /** Finds the accounts that have a score. */
    findScores: dynamodb(scoresByShard, 'Scan'),

    /** Folds an hour of the community: finds its facts by the hour, reads them, and saves the counts of the day. */
    rollUp: [
      ...[telemetry, grants, registry].flatMap((facts) => [
        ...dynamodb(facts, 'BatchGetItem'),
        ...dynamodb(byHour(facts), 'Query'),
      ]),
      ...dynamodb(registry, 'GetItem'),
      ...dynamodb(tables.rollups.tableArn, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'DeleteItem'),
    ],
    /** Reads the community's counts. */
    readRollUps: dynamodb(tables.rollups.tableArn, 'Query', 'BatchGetItem'),

    /** Builds snapshots of the boards. Old ones expire by their time to live. */
    buildBoards: dynamodb(tables.leaderboards.tableArn, 'GetItem', 'PutItem'),
    /** Reads snapshots of the boards. */
    readBoards: dynamodb(tables.leaderboards.tableArn, 'GetItem', 'Query'),

    /** Notes for the consistency check that a stream is late. */
    noteLateStreams: dynamodb(tables.backfillRuns.tableArn, 'PutItem'),
    /** Stores the accounts that differ, and reads whether streams are late. */
    keepDifferences: dynamodb(tables.backfillRuns.tableArn, 'GetItem', 'UpdateItem'),
    /** Stores the plan and the checkpoints of backfills. */
    keepRuns: dynamodb(
      tables.backfillRuns.tableArn,
      ...['GetItem', 'Query', 'PutItem', 'UpdateItem', 'BatchWriteItem'],
    ),
  } as const satisfies Readonly<Record<string, Policy>>;
}
