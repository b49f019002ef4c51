import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { emptyBalance } from '../../../domain/grants/balance.ts';
import { confirmPublish, type ConfirmDeps } from '../../../domain/registry/confirm-publish.ts';
import type { Registry } from '../../../domain/registry/registry.port.ts';
import { currentRules } from '../../../domain/rules/current-rules.ts';
import { dynamoGrantLedger } from '../../../functions/adapters/dynamodb/grants/grant-ledger.ts';
import { dynamoRegistry } from '../../../functions/adapters/dynamodb/registry/registry.ts';
import { aPublication, aPublisher, aVersion } from '../../adapters/a-publication.ts';
import { aUsername, namesAsIds, sha256 } from '../../builders/identity.ts';
import { startTestEngine, type TestEngine } from '../../support/engines.ts';
import { Wire } from '../../../proof/wire.ts';

let engine: TestEngine;
let client: ReturnType<TestEngine['client']>;
beforeAll(async () => {
  engine = await startTestEngine();
  client = engine.client();
});
afterAll(async () => {
  await engine.stop();
});

const [ada, bob] = [aUsername('ada'), aUsername('bob')];
const VERSION = '2026.08.21.1';
let registry: Registry;
let deps: ConfirmDeps;
let tests = 0;
let name = '';
beforeEach(async () => {
  const { registry: table, score_grants: grants } = await engine.createTables(['registry', 'score_grants']);
  tests += 1;
  name = `@acme/net-${tests}`;
  registry = dynamoRegistry(client, { registry: table, grants });
  let tokens = 0;
  deps = {
    registry,
    collectives: { find: async () => undefined },
    names: namesAsIds,
    ledger: dynamoGrantLedger(client, grants),
    rules: currentRules,
    clock: () => Date.parse('2026-08-21T12:00:00.000Z'),
    random: () => 0.5,
    randomToken: () => `token-${(tokens += 1)}`,
    sha256,
    sleep: async () => {},
  };
});
const confirm = (change: Partial<Registry> = {}, publisher = aPublisher(ada)) =>
  confirmPublish(
    { ...deps, registry: { ...registry, ...change } },
    { name, version: VERSION, channel: 'stable', publisher, keyMembers: [] },
  );

it('a version that was written before a "decide again" is answered as published', async () => {
  let asked = 0;
  const answer = await confirm({
    async publish(publication) {
      asked += 1;
      await registry.publish(publication);
      return 'stale';
    },
  });

  expect(asked).toBe(1);
  expect(answer).toMatchObject({ ok: true, value: { kind: 'published' } });
});

it("a caller that finds a new owner also finds the owner's version", async () => {
  let reads = 0;
  const thenPublishedByBob = async <Read>(read: Promise<Read>): Promise<Read> => {
    const found = await read;
    reads += 1;
    if (reads === 1) await registry.publish(aPublication(aVersion({ name, publisher: aPublisher(bob) })));
    return found;
  };

  const answer = await confirm({
    findExtension: (of) => thenPublishedByBob(registry.findExtension(of)),
    findVersion: (of, version) => thenPublishedByBob(registry.findVersion(of, version)),
  });

  expect(answer).toMatchObject({
    ok: false,
    error: { kind: 'version-conflict', first: { publisher: { name: 'bob' } } },
  });
});

it('a manually deleted version is published again, and its grant is not given twice', async () => {
  // The ledger after somebody deleted the version manually: its grant is still there.
  const before = aPublication(aVersion({ name, publisher: aPublisher(ada) }));
  const [append] = before.grants;
  expect(append!.before).toEqual(emptyBalance);
  expect(await (deps.ledger as ReturnType<typeof dynamoGrantLedger>).append(append!)).toBe('appended');

  expect(await confirm()).toMatchObject({ ok: true, value: { kind: 'published' } });
  expect(await registry.findVersion(name, VERSION)).toBeDefined();
  expect((await deps.ledger.balancesOf([ada])).get(ada)).toEqual(append!.after);
});

it('a collective of thirty publishes with a few calls, so that concurrent publishes collide less', async () => {
  const members = Array.from({ length: 30 }, (_, n) => aUsername(`m${n}`));
  const wire = new Wire();
  const counted = wire.attach(engine.client());
  const tables = await engine.createTables(['registry', 'score_grants']);
  const surroundings = {
    ...deps,
    registry: dynamoRegistry(counted, { registry: tables.registry, grants: tables.score_grants }),
    ledger: dynamoGrantLedger(counted, tables.score_grants),
  };
  const confirmation = { name, channel: 'stable', publisher: aPublisher(ada, 'collective'), keyMembers: members };
  const publish = (version: string) => confirmPublish(surroundings, { ...confirmation, version });
  expect(await publish(VERSION)).toMatchObject({ ok: true, value: { kind: 'published' } });
  expect(wire.calls.length).toBeLessThanOrEqual(4);

  wire.calls.length = 0;
  const versions = Array.from({ length: 4 }, (_, n) => `2026.08.22.${n}`);
  for (const answer of await Promise.all(versions.map(publish))) expect(answer.ok).toBe(true);
  expect((await surroundings.ledger.balancesOf(members)).get(members[29]!)).toMatchObject({
    seq: 5,
    totalScore: 2_500,
  });
  expect(wire.calls.filter((call) => call === 'TransactWriteItemsCommand').length).toBeLessThanOrEqual(10);
});
