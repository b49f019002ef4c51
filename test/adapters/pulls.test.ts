import { PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { devicePuller, userPuller } from '../../domain/registry/record-pull.ts';
import type { Pulls, Registry } from '../../domain/registry/registry.port.ts';
import type { UserRegistry } from '../../domain/registry/user-registry.port.ts';
import { dynamoPulls } from '../../functions/adapters/dynamodb/registry/pulls.ts';
import { dynamoRegistry } from '../../functions/adapters/dynamodb/registry/registry.ts';
import { dynamoUserRegistry } from '../../functions/adapters/dynamodb/registry/user-registry.ts';
import { pagesOf } from '../builders/registry.ts';
import { AT } from '../builders/grants.ts';
import { aUsername, type User } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { aPublication, aPublisher, aVersion } from './a-publication.ts';
import { aLossyClient } from './lossy-client.ts';
import { ODD_TEXTS } from './odd-texts.ts';

const NOON = Date.parse(AT);

onBothEngines('pulls, and what counts of the registry', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let registry: Registry;
  let pulls: Pulls;
  let counts: UserRegistry;
  let tokens = 0;
  const deps = { random: () => 0.5, sleep: async () => {}, randomToken: () => `token-${(tokens += 1)}` };
  beforeAll(async () => {
    client = engine().client();
    const names = await engine().createTables(['registry', 'score_grants']);
    table = names.registry;
    registry = dynamoRegistry(client, { registry: table, grants: names.score_grants });
    pulls = dynamoPulls(client, table, deps);
    counts = dynamoUserRegistry(client, table);
  });

  let author: User;
  let authors = 0;
  beforeEach(() => {
    author = aUsername(`author-${(authors += 1)}`);
  });
  const aPull = (puller = userPuller('bob'), change: { name?: string; version?: string } = {}) => ({
    name: 'net',
    version: '2026.08.21.1',
    puller,
    ...change,
  });
  const record = (...args: Parameters<typeof aPull>) =>
    pulls.recordPull(author, aPull(...args), NOON, { isCounted: true });
  const pullsOf = async (of: User) => (await pagesOf(counts.pullsOf(of))).flat();
  const publishesOf = async (of: User) => (await pagesOf(counts.versionsOf(of))).flat();
  /** Publishes `count` versions. The nth is yanked if `isYanked(n)` is true. */
  const publish = async (count: number, isYanked: (n: number) => boolean) => {
    for (let n = 1; n <= count; n += 1) {
      const version = aVersion({ name: `${author}-${n}`, publisher: aPublisher(author) });
      await registry.publish(aPublication(version, { grants: [] }));
      const stored = await registry.findVersion(version.name, version.version);
      if (isYanked(n)) await registry.saveYanks([stored!], { at: '2026-08-23T00:00:00.000Z', reason: '' });
    }
  };

  it('are empty before a pull or a publish', async () => {
    expect(await pullsOf(author)).toHaveLength(0);
    expect(await publishesOf(author)).toHaveLength(0);
  });

  it('count once for a puller and a version', async () => {
    expect(await record()).toBe('recorded');
    expect(await record()).toBe('already-there');
    expect(await pulls.recordPull(author, aPull(), NOON + 3_600_000, { isCounted: true })).toBe('already-there');
    expect(await record(userPuller('eve'))).toBe('recorded');
    expect(await record(userPuller('bob'), { version: '2026.08.21.01' })).toBe('recorded');
    expect(await record(userPuller('bob'), { name: 'net/sub' })).toBe('recorded');

    expect(await pullsOf(author)).toHaveLength(4);
  });

  it('are counted for the author only', async () => {
    const other = aUsername(`${author}.`); // its name starts with the author's name
    expect(await record()).toBe('recorded');
    expect(await pulls.recordPull(other, aPull(), NOON, { isCounted: true })).toBe('recorded');

    expect(await pullsOf(author)).toHaveLength(1);
    expect(await publishesOf(author)).toHaveLength(0);
  });

  it('distinguish pullers with similar names, and return them unchanged', async () => {
    for (const text of ODD_TEXTS) expect([text, await record(devicePuller(text))]).toEqual([text, 'recorded']);
    const seen = (await pullsOf(author)).map(({ puller }) => puller);

    expect(seen.toSorted()).toEqual(ODD_TEXTS.map(devicePuller).toSorted());
  });

  it('accept the longest values in one key', async () => {
    const longest = { name: 'n'.repeat(128), version: `2026.08.21.${'1'.repeat(53)}` };

    expect(await record(devicePuller('🦊'.repeat(128)), longest)).toBe('recorded');
    expect(await record(devicePuller('🦊'.repeat(128)), longest)).toBe('already-there');
  });

  it('are recorded by only one of many writers', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => record()));

    expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(1);
  });

  it('are recorded for their writer after a lost answer', async () => {
    const lossy = aLossyClient(engine());

    expect(await dynamoPulls(lossy, table, deps).recordPull(author, aPull(), NOON, { isCounted: true })).toBe(
      'recorded',
    );
    expect(await record()).toBe('already-there');
  });

  it('find their version as the registry does', async () => {
    await publish(1, () => false);
    const [name, version] = [`${author}-1`, '2026.08.21.1'];

    expect(await pulls.findVersion(name, version)).toEqual(await registry.findVersion(name, version));
    expect(await pulls.findVersion(name, '2026.08.21.01')).toBeUndefined();
  });

  it('are returned page by page, each with its date', async () => {
    for (let n = 0; n < 101; n += 1) await record(userPuller(`${n}`));

    expect((await pagesOf(counts.pullsOf(author))).map(({ length }) => length)).toEqual([100, 1]);
    expect(new Set((await pullsOf(author)).map(({ on }) => on))).toEqual(new Set(['2026-08-21']));
  });

  it('are returned beside the publishes, each with its date and the date of its yank', async () => {
    await publish(3, (n) => n === 2);
    const row = { pk: `PUBLISHER#${author}`, sk: 'VERSION#old@2026.01.01.1', publishedAt: AT, yanked: true };
    await client.send(new PutItemCommand({ TableName: table, Item: marshall(row) })); // from before yanks had a time

    const [on, never] = ['2026-08-21', { publishedOn: '2026-08-21', yankedOn: '2026-08-21' }];
    expect(await publishesOf(author)).toEqual([
      { publishedOn: on, yankedOn: null },
      { publishedOn: on, yankedOn: '2026-08-23' },
      { publishedOn: on, yankedOn: null },
      never,
    ]);
  });
});
