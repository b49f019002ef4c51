import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { type Command, CommanderError } from 'commander';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endingOf } from '../../operator/explained.ts';
import { operatorProgram } from '../../operator/program.ts';

const directory = mkdtempSync(join(tmpdir(), 'laurel-'));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (name: string, content: string) => {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
};
const folder = (name: string, description?: string) => {
  const path = mkdtempSync(join(directory, `${name}-`));
  if (description !== undefined) writeFileSync(join(path, 'local.json'), description);
  return path;
};
const signers = generateKeyPairSync('ed25519');
const aLogin = '{"username": "ada", "id": 7, "login": "Ada"}\n';
const signedList = file('logins.ndjson', aLogin);
file('logins.ndjson.sig', sign(null, Buffer.from(aLogin), signers.privateKey).toString('base64'));
file('logins.ndjson.pem', signers.publicKey.export({ type: 'spki', format: 'pem' }).toString());
const recording = file('one.ndjson', '{"path": "/ingest", "key": null, "body": {}}\n');

/** A stack that ended without deleting its description: nothing listens at its address. */
const nowhere = 'http://127.0.0.1:9';
const roles = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, `${nowhere}/0/${name}`]));
const gone = folder(
  'gone',
  JSON.stringify({
    ...{ baseUrl: nowhere, lambdaEndpoint: nowhere, dynamodbEndpoint: nowhere, sqsEndpoint: nowhere },
    ...{ region: 'us-east-1', adminKey: 'key' },
    functions: roles('backfill', 'check-conservation', 'shadow-report'),
    queues: roles('rank', 'rank-dlq'),
    tables: roles('accounts', 'backfill_runs', 'credentials', 'hook_sources', 'registry', 'telemetry', 'user_scores'),
  }),
);

const draft = join(import.meta.dirname, '..', '..', 'community', 'rules', '1.json');
/** Every command, with words that it takes; `isOfApi` if it asks the API, whose address a stage does not tell. */
const COMMANDS: Readonly<Record<string, { readonly words: readonly string[]; readonly isOfApi?: true }>> = {
  'rules try': { words: [draft] },
  status: { words: [] },
  'dead-letters': { words: [] },
  redrive: { words: ['rank'] },
  discard: { words: ['rank', '--message', 'an-id'] },
  backfill: { words: [] },
  award: { words: ['ada', '5', '--id', 'one', '--reason', 'Won'], isOfApi: true },
  reverse: { words: ['award:one', '--reason', 'Wrong'], isOfApi: true },
  audit: { words: ['ada'], isOfApi: true },
  'shadow-report': { words: [] },
  consistency: { words: [] },
  'keys list': { words: [], isOfApi: true },
  'keys create': { words: ['--kind', 'admin'], isOfApi: true },
  'keys revoke': { words: ['0'.repeat(32)], isOfApi: true },
  'keys create-admin': { words: [] },
  'sources create': { words: ['github', 'acme'] },
  'sources list': { words: [] },
  'sources rotate': { words: ['github', 'acme'] },
  'sources end-rotation': { words: ['github', 'acme'] },
  'sources delete': { words: ['discourse', 'forum'] },
  import: { words: [recording], isOfApi: true },
  'export-csv': { words: ['board', 'alltime'], isOfApi: true },
  export: { words: ['ada'], isOfApi: true },
  'users export': { words: ['ada'], isOfApi: true },
  'users rename': { words: ['ada', 'grace'], isOfApi: true },
  'users merge': { words: ['ada', 'grace'], isOfApi: true },
  'users unmerge': { words: ['ada'], isOfApi: true },
  'users link-logins': {
    words: [signedList, '--signature', `${signedList}.sig`, '--public-key', `${signedList}.pem`, '--yes'],
    isOfApi: true,
  },
  'users erase': { words: ['ada', '--yes'], isOfApi: true },
  replay: { words: [recording, '--state', join(directory, 'state')], isOfApi: true },
};

function silence(command: Command): void {
  command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  for (const each of command.commands) silence(each);
}
const programOf = (environment: Readonly<Record<string, string>>) =>
  operatorProgram({
    output: {
      result: () => undefined,
      note: () => undefined,
      progress: () => ({ update: () => undefined, stop: () => undefined }),
      confirm: async () => false,
      ask: async (_question, usual) => usual,
    },
    environment,
    clock: () => Date.parse('2026-08-21T12:00:00Z'),
    interruption: () => new AbortController().signal,
    end: () => undefined,
  });

/** The output and exit code of a command line, as in bin/laurel.ts. Every failure must be one sentence. */
async function endOf(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const program = programOf(environment);
  silence(program);
  const error: unknown = await program.parseAsync(words, { from: 'user' }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return { exitCode: 0, code: '', sentence: '' };
  const end =
    error instanceof CommanderError ? { exitCode: 2, code: 'usage', sentence: error.message } : endingOf(error);
  expect(end.sentence, words.join(' ')).toMatch(/^[^\n]{10,400}$/u);
  expect(end.code, `${words.join(' ')}: ${end.sentence}`).not.toBe('internal');
  return end;
}

const endingsOf = (more: (words: readonly string[]) => readonly string[], of = Object.entries(COMMANDS)) =>
  Promise.all(of.map(async ([name, { words }]) => [name, await endOf(more([...name.split(' '), ...words]))] as const));
const all = (end: object, of = Object.keys(COMMANDS)) => of.map((name) => [name, expect.objectContaining(end)]);

it('all commands are covered', () => {
  const namesOf = (command: Command, before = ''): string[] =>
    command.commands.flatMap((each) => {
      const name = `${before}${each.name()}`;
      return each.commands.length > 0 ? namesOf(each, `${name} `) : [name];
    });

  // `rules check` and `community new` look at files alone, and `logs` does on a local stack.
  expect(namesOf(programOf({})).sort()).toEqual(
    [...Object.keys(COMMANDS), 'rules check', 'community new', 'logs'].sort(),
  );
});

describe('every command ends with a sentence and a code other than 0', () => {
  it.each<[what: string, more: readonly string[]]>([
    ['an unknown option', ['--nonsense']],
    ['too many words', ['one', 'two', 'three', 'four']],
    ['an option without its value', ['--stage']],
    ['an invalid stage', ['--stage', 'Prod']],
    ['an empty stage', ['--stage', '']],
    ['two stacks', ['--local', gone, '--stage', 'dev']],
    ['an address for a local stack', ['--local', gone, '--url', 'http://example.com']],
    ['an invalid address', ['--stage', 'dev', '--url', 'example.com']],
    ['an empty directory name', ['--local', '']],
  ])('on %s', async (_what, more) => {
    expect(await endingsOf((words) => [...words, ...more])).toEqual(all({ code: 'usage', exitCode: 2 }));
  });

  it('if arguments are missing', async () => {
    const needy = Object.entries(COMMANDS).filter(([, { words }]) => words.length > 0);
    const cut = needy.map(([name]): [string, { words: string[] }] => [name, { words: [] }]);

    expect(await endingsOf((words) => words, cut)).toEqual(
      all(
        { code: 'usage', exitCode: 2 },
        cut.map(([name]) => name),
      ),
    );
  });

  it.each([
    ['a directory without a running stack', folder('empty'), /^no local stack runs on /u],
    ['a file', recording, /^no local stack runs on /u],
    ['a missing directory', join(directory, 'none'), /^no local stack runs on /u],
    ['a truncated description', folder('cut', '{"baseUrl":'), /does not describe a local stack/u],
    ['a description of another version', folder('old', '{}'), /does not describe a local stack/u],
  ])('on %s', async (_what, local, sentence) => {
    expect(await endingsOf((words) => [...words, '--local', local])).toEqual(
      all({ code: 'not_running', exitCode: 1, sentence: expect.stringMatching(sentence) }),
    );
  });

  it('on a stack that does not answer', async () => {
    for (const [, end] of await endingsOf((words) => [...words, '--local', gone])) {
      expect(end).toMatchObject({ exitCode: 1, sentence: expect.stringContaining('does not answer') });
    }
  });
});

describe('every command on a stage', () => {
  const ofAws = Object.entries(COMMANDS).filter(([, { isOfApi }]) => isOfApi !== true);
  const ofApi = Object.entries(COMMANDS).filter(([, { isOfApi }]) => isOfApi === true);
  const names = ofAws.map(([name]) => name);
  const onStage = (words: readonly string[]) => [...words, '--stage', 'dev'];
  beforeEach(() => {
    for (const name of [
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
      'AWS_PROFILE',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
    ]) {
      vi.stubEnv(name, undefined);
    }
    const none = { AWS_CONFIG_FILE: '/none', AWS_SHARED_CREDENTIALS_FILE: '/none', AWS_EC2_METADATA_DISABLED: 'true' };
    for (const [name, value] of Object.entries(none)) vi.stubEnv(name, value);
  });
  afterEach(() => vi.unstubAllEnvs());

  it('reports that no region is set, and that a region does not exist', async () => {
    for (const [region, what] of [
      [undefined, 'no AWS region is set'],
      ['', 'no AWS region is set'],
      ['no region', 'no region is not an AWS region'],
    ]) {
      vi.stubEnv('AWS_REGION', region);
      const sentence = expect.stringContaining(`${what}: name it in AWS_REGION`);
      expect(await endingsOf(onStage, ofAws)).toEqual(all({ code: 'no_region', exitCode: 1, sentence }, names));
    }
  });

  it('reports missing credentials', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1');

    expect(await endingsOf(onStage, ofAws)).toEqual(all({ code: 'no_credentials', exitCode: 1 }, names));
  });

  it.each([
    ['is not deployed in a bootstrapped account', 'not_deployed', 'ResourceNotFoundException', 'QueueDoesNotExist'],
    ['refuses the credentials', 'bad_credentials', 'ExpiredTokenException', 'ExpiredToken'],
    ['allows too little', 'denied', 'AccessDeniedException', 'AccessDenied'],
  ])('reports that the stage %s', async (_what, code, name, ofSqs) => {
    const error = (of: string) => Object.assign(new Error('no'), { name: of });
    const mocks = [mockClient(DynamoDBClient), mockClient(LambdaClient), mockClient(SQSClient)];
    mocks.forEach((mock, index) => mock.rejects(error(index === 2 ? ofSqs : name)));

    expect(await endingsOf(onStage, ofAws)).toEqual(all({ code, exitCode: 1 }, names));
    for (const mock of mocks) mock.restore();
  });

  it('asks for the address and the key of the API', async () => {
    const wanting = { code: 'usage', exitCode: 2 };
    expect(await endingsOf(onStage, ofApi)).toEqual(
      all(
        { ...wanting, sentence: expect.stringContaining('LAUREL_URL') },
        ofApi.map(([name]) => name),
      ),
    );
    expect(await endingsOf((words) => [...onStage(words), '--url', 'https://example.com'], ofApi)).toEqual(
      all(
        { ...wanting, sentence: expect.stringContaining('LAUREL_ADMIN_KEY') },
        ofApi.map(([name]) => name),
      ),
    );
    expect(await endOf(['status', '--stage', 'dev'], { LAUREL_URL: 'example' })).toMatchObject(wanting);
  });
});

describe('the arguments of one command', () => {
  const toNowhere = ['--local', gone];
  const replayOf = (name: string, content: string) => ['replay', file(name, content)];
  it.each<[words: readonly string[], sentence: RegExp]>([
    [['nonsense'], /unknown command 'nonsense'/u],
    [['keys', 'nonsense'], /unknown command 'nonsense'/u],
    [['dead-letters', '--limit', '0'], /^--limit: expected a whole number from 1 to 1000$/u],
    [['dead-letters', 'nonsense'], /known queues: rank$/u],
    [['redrive', 'nonsense'], /known queues: rank$/u],
    [['redrive', 'rank', '--rate', 'fast'], /^--rate: expected a whole number from 1 to 500$/u],
    [['discard', 'nonsense', '--message', 'x'], /known queues: rank$/u],
    [['backfill', '--mode', 'some'], /Allowed choices are all, stale, metrics/u],
    [['backfill', '--mode', 'metrics', '--from', '2026-02-30'], /^--from: expected a date/u],
    [['backfill', '--mode', 'metrics', '--to', 'yesterday'], /^--to: expected a date/u],
    [
      ['backfill', '--mode', 'metrics', '--from', '2026-03-02', '--to', '2026-03-01'],
      /^to: expected a date not before/u,
    ],
    [['backfill', '--from', '2026-03-01'], /only metrics and history have dates/u],
    [['backfill', '--mode', 'stale', '--usernames', 'ada'], /cannot go with mode stale/u],
    [['backfill', '--usernames', 'ada,no name'], /^--usernames: expected 1 to 64 of/u],
    [['backfill', '--usernames', ''], /^--usernames: expected 1 to 64 of/u],
    [['backfill', '--run', '../x'], /^runId: expected the id of a run$/u],
    [['backfill', '--run', 'x', '--dry-run'], /cannot be used with option/u],
    [['award', 'no name', '5', '--id', 'x', '--reason', 'y'], /^username: expected 1 to 64 of/u],
    [['award', 'ada', '1.5', '--id', 'x', '--reason', 'y'], /^points: expected a whole number from 1 to 100000$/u],
    [['award', 'ada', '-5', '--id', 'x', '--reason', 'y'], /^points: expected a whole number/u],
    [['award', 'ada', '5', '--reason', 'y'], /'--id <award-id>' not specified/u],
    [['audit', ''], /^username: expected 1 to 64 of/u],
    [['audit', '..'], /^username: expected 1 to 64 of/u],
    [['users', 'export', '..'], /^username: expected 1 to 64 of/u],
    [['export-csv', 'board', '..'], /^name: expected the name of a board/u],
    [['export-csv', 'grants', ''], /^name: expected a username$/u],
    [['consistency', '--all', '--usernames', 'ada'], /choose either --all or --usernames/u],
    [['consistency', '--standing', '481'], /^--standing: expected a whole number from 0 to 480$/u],
    [['keys', 'create', '--kind', 'king'], /Allowed choices are/u],
    [['keys', 'create', '--kind', 'personal'], /^--username: missing/u],
    [['keys', 'create', '--kind', 'service', '--scopes', 'all'], /^--scopes/u],
    [['keys', 'revoke', '..'], /^id: expected 32 of 0-9 a-f/u],
    [['keys', 'create-admin', '--label', '\u001b[31m'], /^--label: expected no control characters/u],
    [['sources', 'create', 'gitlab', 'acme'], /^place: expected github or discourse$/u],
    [['sources', 'create', 'github', 'Acme/Tool'], /^name: expected 1 to 32 of a-z 0-9 -/u],
    [['logs', '--since', 'soon'], /^--since: expected 30s/u],
    [['logs', '--follow', '--json'], /--follow does not end/u],
    [['rules', 'try', join(directory, 'none')], /none cannot be read: ENOENT/u],
    [['rules', 'try', draft, '--fail-on', 'nothing'], /^--fail-on: /u],
    [['rules', 'try', draft, '--html', directory], /^--html: expected a file in a directory/u],
    [['replay', join(directory, 'none')], /none cannot be read: ENOENT/u],
    [['replay', directory], /cannot be read: EISDIR/u],
    [replayOf('text.gz', 'no gzip'), /text\.gz cannot be read/u],
    [replayOf('text', 'no JSON\n'), /line 1 is not a recorded request/u],
    [['replay', recording, '--shift-to-today', '2026-13-01'], /^--shift-to-today: expected a date/u],
    [['replay', recording, '--keys', directory], /^--keys: there is no file/u],
    [['replay', recording, '--keys', file('keys', '[')], /^--keys: .* is not a JSON object/u],
    [['replay', recording, '--state', directory], /^--state: expected a file in a directory/u],
    [['replay', recording, '--state', join(directory, 'none', 'state')], /^--state: expected a file in a directory/u],
    [['replay', recording, '--state', file('half', '{')], /^--state: .* is not the state of a replay/u],
  ])('%j are refused by name', async (words, sentence) => {
    const end = await endOf([...words, ...toNowhere]);

    expect(end).toMatchObject({ code: 'usage', exitCode: 2 });
    expect(end.sentence).toMatch(sentence);
  });
});
