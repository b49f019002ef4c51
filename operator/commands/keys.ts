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

const KEEP_IT = 'Store it now: it is shown only once, because Laurel keeps only its hash.';
const label = () => new Option('--label <label>', 'a name for the key in the list');

/** Adds `keys list | create | revoke | create-admin`. */
export function addKeyCommands(program: Command, runtime: Runtime): void {
  const keys = program.command('keys').description('list, create and revoke API keys');

  addOperation(keys, runtime, {
    usage: 'list',
    summary: 'list all keys, with revoked ones; secrets are not stored',
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
    summary: 'create a key; its secret is shown only once',
    options: [
      new Option('--kind <kind>', 'the kind of key').choices([...KEY_KINDS]).makeOptionMandatory(),
      new Option('--username <username>', 'the account of a personal key'),
      new Option('--slug <slug>', 'the name of a collective'),
      new Option('--members <usernames>', 'the accounts of a collective: a,b,c'),
      label(),
      new Option('--scopes <scopes>', `instead of the default scopes of the kind: ${SCOPES.join(',')}`),
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
      const created = await callApi(connect().http(), { ...asked, repeatable: false }); // each call creates a key
      output.result(created, created.key);
      output.note(KEEP_IT);
      return EXIT.ok;
    },
  });

  addOperation(keys, runtime, {
    usage: 'revoke <id>',
    summary: 'revoke a key; requests with it are refused within 60 s',
    help: `
  laurel keys revoke 0123456789abcdef0123456789abcdef
`,
    input: { id: z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 of 0-9 a-f, as `laurel keys list` shows it') },
    async run({ connect, output }, { id }) {
      const path = `/v1/keys/${id}`;
      await callApi(connect().http(), { method: 'DELETE', path, answer: z.unknown() });
      output.result({ id, revoked: true }, `${id} is revoked`);
      return EXIT.ok;
    },
  });

  addOperation(keys, runtime, {
    usage: 'create-admin',
    summary: 'write an admin key directly to the table: the first key of a new stack',
    options: [label().default('first admin key')],
    help: `
A new deployment has no key that could call the API to create one. This command writes to the table, so its AWS
credentials need that permission.

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
