import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { SourceName } from '../../domain/hooks/hook-source.ts';
import { dynamoHookSecrets, dynamoHookSources } from '../../functions/adapters/dynamodb/hooks/hook-sources.ts';
import { dynamoFirstNames } from '../../functions/adapters/dynamodb/telemetry/first-names.ts';
import { dynamoLogins } from '../../functions/adapters/dynamodb/telemetry/logins.ts';
import type { Login } from '../../domain/identity/logins.port.ts';
import { aUsername } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const AT = '2026-08-21T12:00:00.000Z';

onBothEngines('hooks', (engine) => {
  let client: DynamoDBClient;
  let tables: Record<'telemetry' | 'hook_sources', string>;
  beforeAll(async () => {
    client = engine().client();
    tables = await engine().createTables(['telemetry', 'hook_sources']);
  });

  describe('sources', () => {
    const sourcesOf = () => dynamoHookSources(client, tables.hook_sources);
    const secretsOf = (name: string) => dynamoHookSecrets(client, tables.hook_sources)({ place: 'github', name });
    const source = (name: string) => ({ place: 'github', name: SourceName.parse(name) }) as const;

    it('are created once, and listed without a secret', async () => {
      expect(await sourcesOf().create(source('acme'), 'first', AT)).toBe('created');
      expect(await sourcesOf().create(source('acme'), 'second', AT)).toBe('exists');
      await sourcesOf().create({ place: 'discourse', name: SourceName.parse('acme') }, 'third', AT);

      expect(await secretsOf('acme')).toEqual(['first']);
      expect(await sourcesOf().list()).toEqual([
        { place: 'discourse', name: 'acme', createdAt: AT },
        { place: 'github', name: 'acme', createdAt: AT },
      ]);
    });

    it('have two secrets while they are rotated, and never a third', async () => {
      const { create, rotate, endRotation, remove } = sourcesOf();
      await create(source('turning'), 'first', AT);
      expect(await endRotation(source('turning'))).toBe('refused');
      expect(await rotate(source('turning'), 'second', AT)).toBe('rotated');
      expect(await rotate(source('turning'), 'third', AT)).toBe('refused');
      expect(await secretsOf('turning')).toEqual(['second', 'first']);
      expect(await sourcesOf().list()).toContainEqual({ ...source('turning'), createdAt: AT, rotatedAt: AT });

      expect(await endRotation(source('turning'))).toBe('ended');
      expect(await secretsOf('turning')).toEqual(['second']);
      expect([await remove(source('turning')), await remove(source('turning'))]).toEqual([true, false]);
      expect([await secretsOf('turning'), await rotate(source('turning'), 'x', AT)]).toEqual([[], 'refused']);
    });

    it('of no possible name have no secrets', async () => {
      expect(await secretsOf('ü'.repeat(5_000))).toEqual([]);
    });
  });

  describe('first names', () => {
    it('are kept all or none, and once', async () => {
      const { find, keep } = dynamoFirstNames(client, tables.telemetry);
      expect(await keep(new Map(Object.entries({ 'github:1': 'a/b', 'a/b': 'a/b' })))).toBe(true);
      expect(await keep(new Map(Object.entries({ 'a/c': 'a/c', 'a/b': 'a/c' })))).toBe(false);

      expect([await find('github:1'), await find('a/b'), await find('a/c')]).toEqual(['a/b', 'a/b', undefined]);
    });
  });

  describe('logins', () => {
    const [ada, brin] = [aUsername('ada'), aUsername('brin')];
    const github = (id: number, login = 'Login') => ({ place: 'github', id, login }) as const;
    const holder = async (login: Pick<Login, 'place' | 'id'>) =>
      (await dynamoLogins(client, tables.telemetry).find(login))?.account;

    it('are one account’s each, and one a place', async () => {
      const { link } = dynamoLogins(client, tables.telemetry);
      expect(await link(ada, github(1))).toBe('linked');
      expect(await link(ada, github(1, 'Renamed'))).toBe('linked');
      expect(await link(brin, github(1))).toBe('taken');
      expect(await link(brin, { place: 'discourse', id: 1, login: 'Brin' })).toBe('linked');
      expect([await holder(github(1)), await holder({ place: 'discourse', id: 1 })]).toEqual(['ada', 'brin']);

      expect(await link(ada, github(2))).toBe('linked');
      expect([await holder(github(1)), await holder(github(2))]).toEqual([undefined, 'ada']);
      expect(await link(brin, github(1))).toBe('linked');
    });

    it('are unlinked, again without effect', async () => {
      const { link, unlink } = dynamoLogins(client, tables.telemetry);
      const cleo = aUsername('cleo');
      await link(cleo, github(30));
      expect([await unlink(cleo, 'github'), await unlink(cleo, 'github')]).toEqual(['unlinked', 'unlinked']);

      expect(await holder(github(30))).toBeUndefined();
      const Key = marshall({ pk: 'USER#cleo', sk: 'LOGIN#github' });
      expect((await client.send(new GetItemCommand({ TableName: tables.telemetry, Key }))).Item).toBeUndefined();
    });

    it('of two requests at the same time are one', async () => {
      const { link } = dynamoLogins(client, tables.telemetry);
      const [dan, eve] = [aUsername('dan'), aUsername('eve')];
      const outcomes = await Promise.all([link(dan, github(40)), link(eve, github(40))]);

      expect(outcomes.filter((outcome) => outcome === 'linked')).toHaveLength(1);
      expect(await holder(github(40))).toBe(outcomes[0] === 'linked' ? 'dan' : 'eve');
    });

    it('of one account in one place are one, also when another one is linked in between', async () => {
      const dan = aUsername('daniel');
      const { link } = dynamoLogins(client, tables.telemetry);
      const slow = engine().client();
      slow.middlewareStack.add(
        (next, { commandName }) =>
          async (args) => {
            if (commandName === 'TransactWriteItemsCommand') expect(await link(dan, github(41))).toBe('linked');
            return next(args);
          },
        { step: 'initialize' },
      );

      expect(await dynamoLogins(slow, tables.telemetry).link(dan, github(42))).toBe('stale');
      expect([await holder(github(41)), await holder(github(42))]).toEqual(['daniel', undefined]);
    });
  });
});
