import { beforeEach, describe, expect, it } from 'vitest';
import { authenticator } from '../../../domain/identity/authenticate.ts';
import { createKey, CreateKeyRequest, newKeyOf } from '../../../domain/identity/create-key.ts';
import { grantedByOf, type Credential } from '../../../domain/identity/credential.ts';
import { Username } from '../../../domain/identity/username.ts';
import { whoami } from '../../../domain/identity/whoami.ts';
import { aCollectiveKey, aPersonalKey, aServiceKey, aUsername, namesAsIds, sha256 } from '../../builders/identity.ts';

describe('a username', () => {
  it.each([
    ['ada', 'ada'],
    ['ADA', 'ada'],
    ['0.a-b_c', '0.a-b_c'],
    ['constructor', 'constructor'],
    ['a'.repeat(64), 'a'.repeat(64)],
  ])('%s is %s', (sent, name) => {
    expect(Username.parse(sent)).toBe(name);
  });

  it.each([
    '',
    '-a',
    '.a',
    '_a',
    'a b',
    'a/b',
    '../a',
    'a\n',
    'ä',
    '\u212a',
    'a'.repeat(65),
    '__proto__',
    'acc_k3vq7m2xw5tn4hbz',
    7,
    null,
  ])('%j is not a username', (sent) => {
    expect(Username.safeParse(sent).success).toBe(false);
  });
});

describe('a new key', () => {
  const kept: Credential[] = [];
  const deps = {
    credentials: {
      add: async (credential: Credential) => void kept.push(credential),
      find: async () => undefined,
      list: async () => ({ credentials: [] }),
      revoke: async () => false,
      noteUse: async () => {},
    },
    clock: () => Date.parse('2026-08-21T12:00:00.000Z'),
    randomToken: (bytes: number) => 'x'.repeat(Math.ceil((bytes * 4) / 3)),
    sha256,
  };
  beforeEach(() => kept.splice(0));

  it.each([
    [{ kind: 'personal', username: 'ada' }, ['telemetry:write', 'extensions:push', 'extensions:yank', 'profile:write']],
    [
      { kind: 'collective', slug: 'guild', members: ['ada'] },
      ['telemetry:write', 'extensions:push', 'extensions:yank'],
    ],
    [{ kind: 'service' }, ['telemetry:trusted', 'awards:grant']],
    [{ kind: 'personal', username: 'ada', scopes: ['extensions:push', 'extensions:push'] }, ['extensions:push']],
  ])('%j may %j', async (request, scopes) => {
    const created = await createKey(deps, await newKeyOf(namesAsIds, CreateKeyRequest.parse(request)));

    expect(created).toMatchObject({ scopes, createdAt: '2026-08-21T12:00:00.000Z' });
    expect(kept).toMatchObject([{ id: created.id, hash: sha256(created.key), scopes }]);
  });

  it('of an admin may do everything', async () => {
    const { scopes } = await createKey(deps, { kind: 'admin' });

    expect(scopes).toContain('keys:manage');
    expect(scopes).toHaveLength(8);
  });
});

describe('authentication', () => {
  const key = 'lrl_secret';
  const hash = sha256(key);
  let stored: Credential | undefined;
  let now: number;
  let lookups: number;
  let notedUses: string[];
  let erased: string | undefined;
  let authenticate: (sent: string) => Promise<Credential | undefined>;
  beforeEach(() => {
    stored = { ...aPersonalKey('ada'), id: hash.slice(0, 32), hash };
    now = Date.parse('2026-08-21T12:00:00.000Z');
    lookups = 0;
    notedUses = [];
    erased = undefined;
    const authenticated = authenticator({
      credentials: {
        async find(id) {
          lookups += 1;
          return stored?.id === id ? stored : undefined;
        },
        async noteUse(_id, at) {
          notedUses.push(at);
        },
      },
      isErased: async (account) => erased === account,
      clock: () => now,
      sha256,
    });
    authenticate = async (sent) => {
      const admission = await authenticated(sent);
      return (await admission?.isAccountThere) ? admission?.credential : undefined;
    };
  });

  it('does not know a key whose account was erased, also one that it has just known', async () => {
    expect(await authenticate(key)).toEqual(stored);
    erased = 'ada';
    expect(await authenticate(key)).toBeUndefined();
    now += 60_000;
    expect(await authenticate(key)).toBeUndefined();
  });

  it('remembers a hit for 60 s', async () => {
    await authenticate(key);
    now += 59_999;
    expect(await authenticate(key)).toEqual(stored);
    expect(lookups).toBe(1);

    now += 1;
    await authenticate(key);
    expect(lookups).toBe(2);
  });

  it('stops finding a revoked key after 60 s, however often it was used meanwhile', async () => {
    await authenticate(key);
    stored = { ...stored!, revokedAt: '2026-08-21T12:00:00.000Z' };
    for (now += 10_000; now < Date.parse('2026-08-21T12:01:00.000Z'); now += 10_000) await authenticate(key);

    expect(await authenticate(key)).toBeUndefined();
  });

  it('never caches a miss: a new key works at once', async () => {
    const made = stored;
    stored = undefined;
    expect(await authenticate(key)).toBeUndefined();

    stored = made;
    expect(await authenticate(key)).toEqual(made);
  });

  it('compares the whole hash, because the id is only its first half', async () => {
    stored = { ...stored!, hash: hash.slice(0, 32) + '0'.repeat(32) };

    expect(await authenticate(key)).toBeUndefined();
  });

  it('notes a use at most once an hour', async () => {
    await authenticate(key);
    stored = { ...stored!, lastUsedAt: notedUses[0]! };
    for (const minutes of [10, 59, 61]) {
      now = Date.parse('2026-08-21T12:00:00.000Z') + minutes * 60_000;
      await authenticate(key);
    }

    expect(notedUses).toEqual(['2026-08-21T12:00:00.000Z', '2026-08-21T13:01:00.000Z']);
  });

  it('notes no use of an unknown or revoked key', async () => {
    stored = { ...stored!, revokedAt: '2026-08-21T11:00:00.000Z' };
    await authenticate(key);
    await authenticate('lrl_other');

    expect(notedUses).toEqual([]);
  });
});

describe('who grants', () => {
  it('is the label of the key, or its id if the ledger cannot print the label', () => {
    const key = aServiceKey();

    expect(grantedByOf({ ...key, label: 'registry' })).toBe('registry');
    expect(grantedByOf(key)).toBe(key.id);
    for (const label of ['', ' ', 'a\u001b[2J', '\u202ea', 'a\ud800', 'é'.repeat(51)]) {
      expect(grantedByOf({ ...key, label })).toBe(key.id);
    }
  });
});

describe('the identity of a caller', () => {
  it.each([
    [aPersonalKey('ada'), { username: 'ada', organizations: [{ slug: 'ada', role: 'owner', personal: true }] }],
    [
      aCollectiveKey('guild'),
      { username: 'guild', organizations: [{ slug: 'guild', role: 'member', personal: false }] },
    ],
    [aServiceKey(), { username: null, organizations: [] }],
  ])('follows from the key', (credential, expected) => {
    expect(whoami(credential, {})).toMatchObject({ authenticated: true, email: null, plan: null, ...expected });
    expect(JSON.stringify(whoami(credential, {}))).not.toContain(credential.hash);
  });

  it('is a collective with its current members for its own key only', () => {
    const members = [aUsername('ada'), aUsername('cy')];

    expect(whoami(aCollectiveKey('guild'), { members }).collective).toEqual({ slug: 'guild', members: ['ada', 'cy'] });
    for (const key of [aPersonalKey('ada'), aServiceKey()]) expect(whoami(key, {})).not.toHaveProperty('collective');
  });

  it('lists the collectives of an account after the account', () => {
    const { organizations } = whoami(aPersonalKey('ada'), { collectives: [aUsername('crew'), aUsername('guild')] });

    expect(organizations.map(({ slug, role, personal }) => [slug, role, personal])).toEqual([
      ['ada', 'owner', true],
      ['crew', 'member', false],
      ['guild', 'member', false],
    ]);
  });

  it('keeps usernames apart from other text by their type', () => {
    expect(aUsername()).toBe('ada');
  });
});
