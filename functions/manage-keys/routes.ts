import * as z from 'zod/mini';
import { CreatedKey, CreateKeyRequest } from '../../domain/identity/create-key.ts';
import { CollectiveSlug, KeyKind, Scope, type Credential } from '../../domain/identity/credential.ts';
import type { CredentialStore } from '../../domain/identity/credentials.port.ts';
import { issueKey } from '../../domain/identity/issue-key.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { whoami, WhoAmI } from '../../domain/identity/whoami.ts';
import { membersNow, type Collectives } from '../../domain/identity/collective.ts';
import type { Clock, Random, RandomToken, Sha256, Sleep } from '../../domain/shared/environment.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { problem } from '../runtime/problems.ts';
import { queryNumber } from '../runtime/query.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type ManageKeysDeps = HttpDeps & {
  readonly credentials: CredentialStore;
  readonly collectives: Collectives;
  readonly names: AccountNames;
  readonly clock: Clock;
  readonly random: Random;
  readonly randomToken: RandomToken;
  readonly sha256: Sha256;
  readonly sleep: Sleep;
};

const KeyId = z.string('expected the id of a key').check(z.regex(/^[0-9a-f]{32}$/, 'expected the id of a key'));

/** A key as its managers see it: everything but the secret and its hash. */
const ListedKey = z.object({
  id: z.string(),
  kind: KeyKind,
  username: z.optional(z.string()),
  slug: z.optional(CollectiveSlug),
  label: z.optional(z.string()),
  scopes: z.array(Scope),
  prefix: z.string(),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.optional(z.iso.datetime()),
  revokedAt: z.optional(z.iso.datetime()),
});
const KeyList = z.object({ keys: z.array(ListedKey), next: z.optional(z.string()) });

const PAGE_SIZE = 100;
const manages = { scope: 'keys:manage' } as const;

export const routes = [
  route({
    method: 'POST',
    path: '/v1/keys',
    summary: 'Create a key; its secret is in this answer and nowhere else',
    access: manages,
    request: z.object({ body: CreateKeyRequest }),
    answers: { 201: { description: 'The key', schema: CreatedKey } },
    problems: ['busy'], // a collective's members are set
    handle: async ({ body }, deps: ManageKeysDeps) => ({ status: 201, body: await issueKey(deps, body) }),
  }),
  route({
    method: 'GET',
    path: '/v1/keys',
    summary: 'List the keys, revoked ones included',
    access: manages,
    request: z.object({
      query: z.object({
        limit: z._default(queryNumber(1, 1_000), PAGE_SIZE),
        cursor: z.optional(KeyId),
      }),
    }),
    answers: { 200: { description: 'A page of keys, in no particular order', schema: KeyList } },
    async handle({ query }, deps: ManageKeysDeps) {
      const after = query.cursor === undefined ? {} : { after: query.cursor };
      const { credentials, next } = await deps.credentials.list({ limit: query.limit, ...after });
      const accountOf = (credential: Credential) => (credential.kind === 'personal' ? [credential.account] : []);
      const nameOf = await deps.names.namesOf(credentials.flatMap(accountOf));
      const keys = credentials.map((credential) => {
        const [username] = accountOf(credential).map(nameOf);
        return ListedKey.parse({ ...credential, ...(username === undefined ? {} : { username }) });
      });
      return { status: 200, body: next === undefined ? { keys } : { keys, next } };
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/keys/{id}',
    summary: 'Revoke a key; it stops working within 60 s',
    access: manages,
    request: z.object({ params: z.object({ id: KeyId }) }),
    unknownParam: 'unknown_id',
    answers: { 204: { description: 'Revoked, now or before' } },
    problems: ['unknown_id'],
    async handle({ params }, deps: ManageKeysDeps) {
      const isRevoked = await deps.credentials.revoke(params.id, isoOf(deps.clock()));
      return isRevoked ? { status: 204 } : problem('unknown_id', 'id: there is no such key');
    },
  }),
  route({
    method: 'GET',
    path: '/api/whoami',
    summary: 'Whose key this is',
    access: 'key',
    request: z.object({}),
    answers: { 200: { description: 'The account behind the key', schema: WhoAmI } },
    async handle(_request, { collectives, names }: ManageKeysDeps, { credential }) {
      switch (credential.kind) {
        case 'personal': {
          const { account, username } = (await names.answering(credential.account)) ?? { account: credential.account };
          const joined = await collectives.collectivesOf(account);
          const nameOf = () => username ?? account;
          return { status: 200, body: whoami({ ...credential, account }, { collectives: joined, nameOf }) };
        }
        case 'collective': {
          const members = membersNow(await collectives.find(credential.slug), credential.members);
          return { status: 200, body: whoami(credential, { members, nameOf: await names.namesOf(members) }) };
        }
        case 'service':
        case 'admin':
          return { status: 200, body: whoami(credential) };
      }
    },
  }),
];
