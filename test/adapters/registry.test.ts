import type { AccountId } from '../../domain/identity/account.ts';
import { type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { GrantLedger } from '../../domain/grants/grant-ledger.port.ts';
import { emptyBalance } from '../../domain/grants/balance.ts';
import type { PublishedVersion } from '../../domain/registry/extension.ts';
import type { Publication, Registry } from '../../domain/registry/registry.port.ts';
import type { UserRegistry } from '../../domain/registry/user-registry.port.ts';
import { dynamoCollectives } from '../../functions/adapters/dynamodb/identity/collectives.ts';
import { dynamoGrantLedger } from '../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoRegistry } from '../../functions/adapters/dynamodb/registry/registry.ts';
import { dynamoUserRegistry } from '../../functions/adapters/dynamodb/registry/user-registry.ts';
import { AT } from '../builders/grants.ts';
import { aUsername, type User } from '../builders/identity.ts';
import { pagesOf } from '../builders/registry.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { aPublication, aPublisher, aVersion } from './a-publication.ts';
import { aLossyClient } from './lossy-client.ts';

const YANK = { at: AT, reason: 'broken' };

onBothEngines('the registry', (engine) => {
  let client: DynamoDBClient;
  let tables: { readonly registry: string; readonly grants: string };
  let registry: Registry;
  let ledger: GrantLedger;
  let counts: UserRegistry;
  beforeAll(async () => {
    client = engine().client();
    const names = await engine().createTables(['registry', 'score_grants']);
    tables = { registry: names.registry, grants: names.score_grants };
    registry = dynamoRegistry(client, tables);
    ledger = dynamoGrantLedger(client, tables.grants);
    counts = dynamoUserRegistry(client, tables.registry);
  });

  let user: User;
  let name: string;
  let tests = 0;
  beforeEach(() => {
    tests += 1;
    [user, name] = [aUsername(`user-${tests}`), `@scope/ext-${tests}`];
  });
  const mine = (change: Partial<PublishedVersion> = {}) => aVersion({ name, publisher: aPublisher(user), ...change });
  /** Publishes a version on the current state. */
  const publish = async (version = mine(), change: Partial<Publication> = {}): Promise<Publication> => {
    const extension = await registry.findExtension(version.name);
    const balances = new Map<AccountId, Awaited<ReturnType<GrantLedger['balanceOf']>>>();
    for (const account of version.credited) balances.set(account, await ledger.balanceOf(account));
    const publication = aPublication(version, { extension, balances, ...change });
    expect(await registry.publish(publication)).toBe('published');
    return publication;
  };
  /** The versions that count for an account. */
  const publishesOf = async (account: AccountId) =>
    (await pagesOf(counts.versionsOf(account))).flat().filter(({ yankedOn }) => yankedOn === null).length;
  const versions = async (of = name) => {
    const found: PublishedVersion[] = [];
    for await (const version of registry.versionsOf(of)) found.push(version);
    return found;
  };
  const nothingOf = async ({ version, grants }: Publication) => {
    expect(await registry.findVersion(version.name, version.version)).toBeUndefined();
    for (const { username, before, lines } of grants) {
      expect(await ledger.balanceOf(username)).toEqual(before);
      for (const { grantId } of lines) expect(await ledger.find(grantId)).toBeUndefined();
      expect(await publishesOf(username)).toBe(before.seq);
    }
  };

  it('finds nothing before the first publish', async () => {
    expect(await registry.findExtension(name)).toBeUndefined();
    expect(await registry.findVersion(name, '2026.08.21.1')).toBeUndefined();
    expect(await versions()).toEqual([]);
  });

  it('stores a version with its extension, grant and row, as given', async () => {
    const { version, grants, writeId } = await publish(mine({ contentHash: 'h' }));

    expect(await registry.findVersion(name, version.version)).toEqual({ ...version, writeId });
    expect(await registry.findExtension(name)).toEqual({ name, owner: version.publisher, createdAt: AT, revision: 1 });
    expect(await ledger.balanceOf(user)).toEqual(grants[0]!.after);
    expect((await ledger.find(grants[0]!.lines[0]!.grantId))?.writeId).toBe(writeId);
    expect(await publishesOf(user)).toBe(1);
  });

  it('does not change the extension when another version is published', async () => {
    await publish();
    await publish(mine({ version: '2026.08.21.2' }));

    expect((await registry.findExtension(name))?.revision).toBe(1);
    expect(await publishesOf(user)).toBe(2);
  });

  it.each([
    ['the extension was created meanwhile', { extension: undefined }],
    ['the extension has a new owner', { extension: { revision: 7 } }],
    ['the members were set meanwhile', { collectiveRevision: 3 }],
  ])('writes nothing if %s', async (_why, change) => {
    await publish();
    const extension = (await registry.findExtension(name))!;
    const balances = new Map([[user, await ledger.balanceOf(user)]]);
    const late = aPublication(mine({ version: '2026.08.21.2' }), {
      balances,
      ...change,
      extension: 'extension' in change ? change.extension && { ...extension, ...change.extension } : extension,
    });

    expect(await registry.publish(late)).toBe('stale');
    await nothingOf(late);
  });

  it('writes nothing if the balance has changed, not even a new extension', async () => {
    await publish();
    const late = aPublication(mine({ name: `${name}/other` })); // decided on an empty balance

    expect(await registry.publish(late)).toBe('stale');
    expect(await registry.findExtension(`${name}/other`)).toBeUndefined();
    expect(await registry.findVersion(`${name}/other`, late.version.version)).toBeUndefined();
    expect((await ledger.balanceOf(user)).seq).toBe(1);
  });

  it('keeps the first publish of a version', async () => {
    const first = await publish();
    const extension = (await registry.findExtension(name))!;
    const again = aPublication(mine({ contentHash: 'other' }), {
      extension,
      balances: new Map([[user, await ledger.balanceOf(user)]]),
    });

    expect(await registry.publish(again)).toBe('stale');
    expect(await registry.findVersion(name, first.version.version)).toEqual({
      ...first.version,
      writeId: first.writeId,
    });
  });

  it('keeps the first publish of a version, also if a later one counts for another account', async () => {
    const first = await publish();
    const other = aUsername(`${user}-other`);
    const later = aPublication(mine({ credited: [other] }), { extension: (await registry.findExtension(name))! });

    expect(await registry.publish(later)).toBe('stale'); // no grant or balance of theirs prevents it
    expect((await registry.findVersion(name, first.version.version))?.credited).toEqual([user]);
    expect(await ledger.balanceOf(other)).toEqual(emptyBalance);
  });

  it('publishes for the default members only while nobody has set members', async () => {
    const slug = aUsername(`crew-${tests}`);
    const collectives = dynamoCollectives(client, tables.registry);
    await collectives.save(undefined, { slug, members: [user], since: AT, revision: 1 });
    const publication = aPublication(mine({ publisher: aPublisher(slug, 'collective'), credited: [user] }), {
      collectiveRevision: 0,
    });

    expect(await registry.publish(publication)).toBe('stale');
    await nothingOf(publication);
  });

  it('lets one of many first publishers get a name', async () => {
    const racers = Array.from({ length: 8 }, (_, n) => aUsername(`${user}-${n}`));
    const publications = racers.map((racer) => aPublication(aVersion({ name, publisher: aPublisher(racer) })));

    const outcomes = await Promise.all(publications.map((publication) => registry.publish(publication)));

    // A busy engine may refuse them all; then nothing was written.
    const winner = racers[outcomes.indexOf('published')];
    expect(outcomes.filter((outcome) => outcome === 'published').length).toBeLessThanOrEqual(1);
    expect((await registry.findExtension(name))?.owner.name).toBe(winner);
    expect((await registry.findVersion(name, '2026.08.21.1'))?.publisher.name).toBe(winner);
    for (const [n, publication] of publications.entries()) {
      if (outcomes[n] === 'published') continue;
      expect(await ledger.balanceOf(racers[n]!)).toEqual(emptyBalance);
      expect(await ledger.find(publication.grants[0]!.lines[0]!.grantId)).toBeUndefined();
    }
  });

  it('writes once after a lost answer, and the version carries the write id', async () => {
    const lossy = aLossyClient(engine());
    const publication = aPublication(mine());
    const outcome = await dynamoRegistry(lossy, tables).publish(publication);

    expect(['published', 'stale']).toContain(outcome); // `stale` makes the caller read again
    expect((await registry.findVersion(name, '2026.08.21.1'))?.writeId).toBe(publication.writeId);
    expect(await ledger.balanceOf(user)).toEqual(publication.grants[0]!.after);
  });

  it('credits the maximum number of members at once, while they are the members', async () => {
    const slug = aUsername(`guild-${tests}`);
    const members = Array.from({ length: 30 }, (_, n) => aUsername(`${slug}-${String(n).padStart(2, '0')}`));
    const version = mine({ publisher: aPublisher(slug, 'collective'), credited: members });
    const collectives = dynamoCollectives(client, tables.registry);
    await publish(version, { collectiveRevision: 0 });
    await collectives.save(undefined, { slug, members, since: AT, revision: 1 });
    await publish({ ...version, version: '2026.08.21.2' }, { collectiveRevision: 1 });

    for (const member of members) expect(await publishesOf(member)).toBe(2);
    expect(await publishesOf(slug)).toBe(0);
  });

  it('lists versions by their numbers, newest first', async () => {
    const long = '9'.repeat(53);
    const ascending = ['2025.12.31.7', '2026.08.20.10', '2026.08.21.1', '2026.08.21.01', '2026.08.21.9']
      .concat(['2026.08.21.10', '2026.08.21.100', `2026.08.21.${long}`, '2026.11.03.0'])
      .map((version) => mine({ version }));
    for (const version of ascending.toSorted((a, b) => a.version.localeCompare(b.version))) await publish(version);

    expect((await versions()).map(({ version }) => version)).toEqual(
      ascending.map(({ version }) => version).toReversed(),
    );
    for (const { version } of ascending) expect((await registry.findVersion(name, version))?.version).toBe(version);
  });

  it('lists versions past the end of a page, and none of a name with the same prefix', async () => {
    const reason = 'x'.repeat(300_000); // four such versions fill a page of 1 MB
    for (let n = 1; n <= 5; n += 1) {
      const { version } = await publish(mine({ version: `2026.08.21.${n}` }));
      const stored = (await registry.findVersion(name, version.version))!;
      await registry.saveYanks([stored], { at: AT, reason });
    }
    await publish(mine({ name: `${name}/sub` }));
    await publish(mine({ name: `${name}x` }));

    expect((await versions()).map(({ version }) => version.at(-1))).toEqual(['5', '4', '3', '2', '1']);
  });

  it('finds the newest version of a channel, without yanked ones', async () => {
    const newest = async (channel: string) => (await registry.latestVersion(name, channel))?.version;
    const stored = async (version: string) => (await registry.findVersion(name, version))!;
    for (const [version, channel] of [
      ['2026.08.21.9', 'stable'],
      ['2026.08.21.10', 'stable'],
      ['2026.08.22.1', 'beta'],
      ['2026.08.20.1', 'beta-2'],
    ] as const) {
      await publish(mine({ version, channel }));
    }
    expect(await registry.latestVersion(name, 'stable')).toEqual({
      name,
      version: '2026.08.21.10',
      publishedAt: AT,
      publisher: aPublisher(user),
    });
    expect([await newest('beta'), await newest('beta-2'), await newest('b')]).toEqual([
      '2026.08.22.1',
      '2026.08.20.1',
      undefined,
    ]);

    await registry.saveYanks([await stored('2026.08.21.10'), await stored('2026.08.22.1')], YANK);
    expect([await newest('stable'), await newest('beta')]).toEqual(['2026.08.21.9', undefined]);
    await registry.saveYanks([await stored('2026.08.21.10')], undefined);
    expect(await newest('stable')).toBe('2026.08.21.10');
  });

  it('yanks several versions together or none of them', async () => {
    await publish();
    await publish(mine({ version: '2026.08.21.2' }));
    const both = await Promise.all(['2026.08.21.1', '2026.08.21.2'].map((each) => registry.findVersion(name, each)));
    await registry.saveYanks([both[0]!], YANK);

    expect(await registry.saveYanks([both[1]!, both[0]!], YANK)).toBe('stale');
    expect((await registry.findVersion(name, '2026.08.21.2'))?.yank).toBeUndefined();
    expect((await registry.latestVersion(name, 'stable'))?.version).toBe('2026.08.21.2');
  });

  it('accepts the longest possible names', async () => {
    const longest = `@${'s'.repeat(60)}/${String(tests).padEnd(66, 'n')}`;
    const version = `2026.08.21.${'1'.repeat(53)}`;
    await publish(mine({ name: longest, version, publisher: aPublisher(aUsername('u'.repeat(64))) }));

    expect(longest).toHaveLength(128);
    expect(await versions(longest)).toHaveLength(1);
  });

  it('yanks and restores a version for all accounts that it counts for', async () => {
    const credited = [user, aUsername(`${user}-b`)];
    const { version } = await publish(mine({ credited }));
    const publishes = () => Promise.all(credited.map((account) => publishesOf(account)));
    const stored = async () => (await registry.findVersion(name, version.version))!;

    expect(await registry.saveYanks([await stored()], YANK)).toBe('saved');
    expect(await stored()).toMatchObject({ yank: YANK, revision: 2 });
    expect(await publishes()).toEqual([0, 0]);
    expect(await pagesOf(counts.versionsOf(user))).toEqual([
      [{ publishedOn: version.publishedAt.slice(0, 10), yankedOn: YANK.at.slice(0, 10) }],
    ]);

    expect(await registry.saveYanks([await stored()], undefined)).toBe('saved');
    expect((await stored()).revision).toBe(3);
    expect(await stored()).not.toHaveProperty('yank');
    expect(await publishes()).toEqual([1, 1]);
  });

  it('refuses a yank that was decided on an older state, for all accounts', async () => {
    await publish();
    const stored = (await registry.findVersion(name, '2026.08.21.1'))!;
    await registry.saveYanks([stored], YANK);
    const restored = (await registry.findVersion(name, '2026.08.21.1'))!;
    await registry.saveYanks([restored], undefined);

    expect(await registry.saveYanks([stored], YANK)).toBe('stale');
    expect(await registry.saveYanks([restored], YANK)).toBe('stale');
    expect(await publishesOf(user)).toBe(1);
  });

  it('changes the owner or the offer of an extension once per revision', async () => {
    await publish();
    const extension = (await registry.findExtension(name))!;
    const [guild, other] = [aPublisher(aUsername('guild'), 'collective'), aPublisher(aUsername('other'))];

    const changed = { ...extension, owner: guild, previousOwner: aPublisher(user), offeredTo: other };
    expect(await registry.saveExtension(changed)).toBe('saved');
    expect(await registry.saveExtension({ ...extension, owner: other })).toBe('stale');
    expect(await registry.findExtension(name)).toEqual({ ...changed, revision: 2 });
    expect(await registry.saveExtension({ ...extension, name: 'unknown' })).toBe('stale');
    expect(await registry.findExtension('unknown')).toBeUndefined();
  });
});
