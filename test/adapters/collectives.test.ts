import { PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { Collective, Collectives } from '../../domain/identity/collective.ts';
import { dynamoCollectives } from '../../functions/adapters/dynamodb/identity/collectives.ts';
import { AT } from '../builders/grants.ts';
import { aUsername, type User } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';
import { aLossyClient } from './lossy-client.ts';

onBothEngines('collectives', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let collectives: Collectives;
  beforeAll(async () => {
    client = engine().client();
    table = (await engine().createTables(['registry'])).registry;
    collectives = dynamoCollectives(client, table);
  });

  let slug: User;
  let slugs = 0;
  beforeEach(() => {
    slug = aUsername(`guild-${(slugs += 1)}`);
  });
  const member = (name: string) => aUsername(`${slug}-${name}`);
  const after = (before: Collective | undefined, ...members: User[]): Collective => {
    const revision = (before?.revision ?? 0) + 1;
    return { slug, members: members.toSorted(), since: AT, revision };
  };
  /** Sets the members, whatever they were before. */
  const set = async (...members: User[]): Promise<Collective> => {
    const before = await collectives.find(slug);
    const next = after(before, ...members);
    expect(await collectives.save(before, next)).toBe('saved');
    return next;
  };

  it('are unknown until their members are set', async () => {
    expect(await collectives.find(slug)).toBeUndefined();
    const set1 = await set(member('a'), member('b'));

    expect(await collectives.find(slug)).toEqual(set1);
    expect(await collectives.collectivesOf(member('a'))).toEqual([slug]);
    expect(await collectives.collectivesOf(member('c'))).toEqual([]);
  });

  it('keep, add and remove memberships when the members change', async () => {
    await set(member('a'), member('b'));
    const now = await set(member('b'), member('c'));

    expect(await collectives.find(slug)).toEqual(now);
    const of = (name: string) => collectives.collectivesOf(member(name));
    expect([await of('a'), await of('b'), await of('c')]).toEqual([[], [slug], [slug]]);
  });

  it('change nothing if they changed since they were read', async () => {
    const first = await set(member('a'));
    expect(await collectives.save(undefined, after(undefined, member('late')))).toBe('stale');
    const second = await set(member('b'));
    expect(await collectives.save(first, after(first, member('late')))).toBe('stale');

    expect(await collectives.find(slug)).toEqual(second);
    expect(await collectives.collectivesOf(member('late'))).toEqual([]);
    expect(await collectives.collectivesOf(member('b'))).toEqual([slug]);
  });

  it('let one of many writers win, together with its memberships', async () => {
    const names = Array.from({ length: 10 }, (_, n) => member(`${n}`));

    const outcomes = await Promise.all(names.map((name) => collectives.save(undefined, after(undefined, name))));

    // A busy engine may refuse them all; then nothing was written.
    const winners = names.filter((_, n) => outcomes[n] === 'saved');
    expect(winners.length).toBeLessThanOrEqual(1);
    expect((await collectives.find(slug))?.members ?? []).toEqual(winners);
    const found = await Promise.all(names.map((name) => collectives.collectivesOf(name)));
    expect(names.filter((_, n) => found[n]!.length > 0)).toEqual(winners);
  });

  it('are set once after a lost answer', async () => {
    const lossy = aLossyClient(engine());
    const next = after(undefined, member('a'));
    const outcome = await dynamoCollectives(lossy, table).save(undefined, next);

    expect(['saved', 'stale']).toContain(outcome); // `stale` makes the caller read again
    expect(await collectives.find(slug)).toEqual(next);
  });

  it('accept the maximum number of members, and replace all of them', async () => {
    const thirty = (of: string) => Array.from({ length: 30 }, (_, n) => member(`${of}${n}`));
    await set(...thirty('a'));
    await set(...thirty('b'));

    expect(await collectives.collectivesOf(member('a29'))).toEqual([]);
    expect(await collectives.collectivesOf(member('b29'))).toEqual([slug]);
  });

  it('of a user are listed in order, past the end of a page', async () => {
    const user = member('joiner');
    const names = ['e', 'c', 'a', 'd', 'b'];
    const padding = 'x'.repeat(300_000); // four such items fill a page of 1 MB
    for (const name of names) {
      const Item = marshall({ pk: `MEMBER#${user}`, sk: `COLLECTIVE#${name}`, padding });
      await client.send(new PutItemCommand({ TableName: table, Item }));
    }

    expect(await collectives.collectivesOf(user)).toEqual(names.toSorted());
    expect(await collectives.collectivesOf(aUsername(`${user}x`))).toEqual([]);
  });
});
