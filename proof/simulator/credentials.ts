import { marshall } from '@aws-sdk/util-dynamodb';
import { createHash } from 'node:crypto';
import type { Key } from './steps.ts';

const OWN = ['telemetry:write', 'extensions:push', 'extensions:yank'];
const SERVER = ['telemetry:trusted', 'awards:grant'];

/** The collective's members until a request names others. */
export const FIRST_MEMBERS = ['ada', 'bob'] as const;

/** The user that some schedules erase. Its id is not its name, so that the name can be looked for in all items. */
export const ERASABLE = { username: 'gus', account: 'first-holder', device: 'd-erasable' } as const;

/** The account of a login that some schedules link, and what it is called there. */
export const LINKABLE = { username: 'gh-lin', login: 'Lin', id: 1 } as const;

type Holder = Exclude<Key, null>;
const HOLDERS: Readonly<Record<Holder, object>> = {
  ada: { kind: 'personal', account: 'ada', scopes: OWN },
  bob: { kind: 'personal', account: 'bob', scopes: OWN },
  cy: { kind: 'personal', account: 'cy', scopes: OWN },
  gus: { kind: 'personal', account: ERASABLE.account, scopes: OWN },
  guild: { kind: 'collective', slug: 'guild', members: FIRST_MEMBERS, scopes: OWN },
  server: { kind: 'service', label: 'a server', scopes: SERVER },
  admin: { kind: 'admin', scopes: [...OWN, ...SERVER, 'keys:manage', 'history:import'] },
};

/** The secret of each holder's key. */
export const secretOf = (holder: Holder): string => `lrl_${holder.padEnd(43, '0')}`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The initial items of the credentials table. */
export function credentialPuts(at: number): readonly object[] {
  const createdAt = new Date(at).toISOString();
  return Object.entries(HOLDERS).map(([holder, more]) => {
    const hash = sha256(`lrl_${holder.padEnd(43, '0')}`);
    const id = hash.slice(0, 32);
    const item = { pk: id, sk: 'KEY', id, hash, prefix: 'lrl_', createdAt, lastUsedAt: createdAt, v: 1, ...more };
    return { PutRequest: { Item: marshall(item) } };
  });
}

/** The accounts of these users. Their ids are their names, so that stored items can be read by the models. */
export const accountPuts = (usernames: readonly string[]): readonly object[] =>
  [...usernames.map((username) => ({ username, account: username })), ERASABLE].flatMap(({ username, account }) =>
    [
      { pk: `NAME#${username.slice(0, 1)}`, sk: username, account, v: 1 },
      { pk: `ACCOUNT#${account}`, sk: 'ACCOUNT', username, rev: 1, v: 1 },
    ].map((item) => ({ PutRequest: { Item: marshall(item) } })),
  );
