import { type Command, Option } from 'commander';
import * as z from 'zod';
import { createKey, CreatedKey, CreateKeyRequest } from '../../domain/identity/create-key.ts';
import { KEY_KINDS, KeyKind, Label, Scope, SCOPES } from '../../domain/identity/credential.ts';
import { check, sentenceOf } from '../../domain/shared/faults.ts';
import { dynamoCredentials } from '../../functions/adapters/dynamodb/identity/credentials.ts';
import { clock, randomToken, sha256 } from '../../functions/runtime/environment.ts';
import { callApi } from '../api.ts';
import { addOperation, commaList, type Runtime } from '../operation.ts';
import { EXIT, usageError } from '../outcome.ts';
import { tableOf } from '../output.ts';

const ListedKey = z.object({
  id: z.string(),
  kind: KeyKind,
  username: z.string().optional(),
  slug: z.string().optional(),
  label: z.string().optional(),
  scopes: z.array(Scope),
  prefix: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string().optional(),
  revokedAt: z.string().optional(),
});
type ListedKey = z.infer<typeof ListedKey>;
const KeyPage = z.object({ keys: z.array(ListedKey), next: z.string().optional() });

const KEEP_IT = 'Keep it: it is shown this once, and Laurel keeps only its hash.';
const label = () => new Option('--label <label>', 'what the list of keys calls it');

/** Adds `keys list | create | revoke | create-admin`. */
export function addKeyCommands(program: Command, runtime: Runtime): void {
  const keys = program.command('keys').description('who may do what: list, create and revoke keys');

  addOperation(keys, runtime, {
    usage: 'list',
    summary: 'all keys, revoked ones included; secrets are kept nowhere',
    help: `
  laurel keys list
  laurel keys list --json | jq -r '.keys[] | select(.revokedAt == null) | .id'
`,
    input: {},
    async run({ connect, output }) {
      const http = connect().http();
      const all: ListedKey[] = [];
      let cursor = '';
      do {
        const path = `/v1/keys?limit=1000${cursor}`;
        const { keys: page, next } = await callApi(http, { method: 'GET', path, answer: KeyPage });
        all.push(...page);
        cursor = next === undefined ? '' : `&cursor=${next}`;
      } while (cursor !== '');
      all.sort((a, b) => a.createdAt.localeCompare(b.createdAt));
      const rows = all.map((key) => [
        key.id,
        key.kind,
        key.username ?? key.slug ?? '',
        key.label ?? '',
        key.createdAt,
        key.revokedAt === undefined ? (key.lastUsedAt ?? 'never used') : `revoked ${key.revokedAt}`,
      ]);
      output.result({ keys: all }, tableOf(['id', 'kind', 'of', 'label', 'created', 'last used'], rows));
      return EXIT.ok;
    },
  });

  addOperation(keys, runtime, {
    usage: 'create',
    summary: 'make a key; its secret is shown this once',
    options: [
      new Option('--kind <kind>', 'whose it is').choices([...KEY_KINDS]).makeOptionMandatory(),
      new Option('--username <username>', "a personal key's account"),
      new Option('--slug <slug>', "a collective's name"),
      new Option('--members <usernames>', "a collective's accounts: a,b,c"),
      label(),
      new Option('--scopes <scopes>', `instead of those its kind has: ${SCOPES.join(',')}`),
    ],
    help: `
  laurel keys create --kind personal --username ada
  laurel keys create --kind service --label registry
  laurel keys create --kind collective --slug weavers --members ada,brin
`,
    input: {
      kind: KeyKind,
      username: z.string().optional(),
      slug: z.string().optional(),
      members: commaList.optional(),
      label: z.string().optional(),
      scopes: commaList.optional(),
    },
    async run({ connect, output }, request) {
      const body = check(CreateKeyRequest, request, 'options');
      if (!body.ok) throw usageError(sentenceOf(body.error.map((fault) => ({ ...fault, field: `--${fault.field}` }))));
      const asked = { method: 'POST', path: '/v1/keys', body: body.value, answer: CreatedKey } as const;
      const created = await callApi(connect().http(), { ...asked, repeatable: false }); // each call makes a key
      output.result(created, created.key);
      output.note(KEEP_IT);
      return EXIT.ok;
    },
  });

  addOperation(keys, runtime, {
    usage: 'revoke <id>',
    summary: 'end a key; requests with it are refused within 60 s',
    help: `
  laurel keys revoke 0123456789abcdef0123456789abcdef
`,
    input: { id: z.string() },
    async run({ connect, output }, { id }) {
      const path = `/v1/keys/${encodeURIComponent(id)}`;
      await callApi(connect().http(), { method: 'DELETE', path, answer: z.unknown() });
      output.result({ id, revoked: true }, `${id} is revoked`);
      return EXIT.ok;
    },
  });

  addOperation(keys, runtime, {
    usage: 'create-admin',
    summary: 'make an admin key straight in the table: the first of a new stack',
    options: [label().default('first admin key')],
    help: `
A new deployment has no key that could ask the API for one. This writes to the table, with AWS credentials that may.

  export LAUREL_ADMIN_KEY=$(laurel keys create-admin --stage prod)
`,
    input: { label: Label },
    async run({ connect, output }, input) {
      const connection = connect();
      const credentials = dynamoCredentials(connection.dynamodb(), connection.tableName('credentials'));
      const created = await createKey({ credentials, clock, randomToken, sha256 }, { kind: 'admin', ...input });
      output.result(created, created.key);
      output.note(KEEP_IT);
      return EXIT.ok;
    },
  });
}
