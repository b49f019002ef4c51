import { BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { AccountId } from '../domain/identity/account.ts';
import { CollectiveSlug } from '../domain/identity/credential.ts';
import { confirmPublish } from '../domain/registry/confirm-publish.ts';
import { STABLE, type Publisher } from '../domain/registry/extension.ts';
import { recordPull, userPuller } from '../domain/registry/record-pull.ts';
import { coalesce, refreshScore } from '../domain/scoring/refresh-score.ts';
import { authorPk, pullSk } from '../functions/adapters/dynamodb/registry/registry.items.ts';
import { meterCapacity, type Usage } from './capacity-meter.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { cost, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { confirmDeps, pullDeps, refreshDeps } from './wiring.ts';

const NOW = Date.parse('2026-08-21T12:00:00.000Z');
const ADA = AccountId.parse('ada');
const NAME = '@acme/network-tools';
const VERSION = '2026.08.21.1';
const PERSONAL = { kind: 'personal', name: ADA } as const;
const GUILD: Publisher = { kind: 'collective', name: CollectiveSlug.parse('guild') };
const MEMBERS = Array.from({ length: 30 }, (_, n) => AccountId.parse(`member-${n}`));

/**
 * Extension, version, its row among the newest, publisher, grant and balance, each counted twice because of the
 * transaction.
 */
const CONFIRM_FLOOR = 12;
/** Also the grant's line in its two indexes, and the version in the index by hour. */
const CONFIRM_BUDGET = 15;
/** Below the cap, just above the cap, and the number in `Sizes`. */
const FEW = 10;
const PAST_THE_CAP = 1_000;
const EQUAL_WITHIN = 1.2;
const BATCH = 25;

type Refreshes = { readonly fromNothing: Usage; readonly announced: Usage };

async function addPulls(client: DynamoDBClient, table: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const puts = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => {
      const puller = `device:7f3d9a52-1c44-4e0b-9a6e-${String(from + n).padStart(12, '0')}`;
      const item = { pk: authorPk(ADA), sk: pullSk(NAME, VERSION, puller), hour: '2026-08-21T12', writeId: 'AAAAAAAA' };
      return { PutRequest: { Item: marshall(item) } };
    });
    await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
  }
}

/** Measures refreshes of an author whose extension has this many pulls: from nothing, and after one more pull. */
async function refreshesWith(engine: BenchEngine, pulls: number): Promise<Refreshes> {
  const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => NOW };
  const confirmation = { name: NAME, version: VERSION, channel: STABLE, publisher: PERSONAL, keyMembers: [] };
  await confirmPublish(confirmDeps(surroundings), confirmation);
  await addPulls(surroundings.client, surroundings.tables('registry'), pulls);
  const client = engine.client();
  const meter = meterCapacity(client);
  const dependencies = refreshDeps({ ...surroundings, client });
  const refresh = (announced: object) =>
    meter.during(() => refreshScore(dependencies, coalesce([{ username: ADA, ...announced }])));
  await refresh({});
  return { fromNothing: await refresh({}), announced: await refresh({ days: [], registry: true }) };
}

/** Measures a publish and a pull, and checks that an author's popularity makes no refresh more expensive. */
export const measurePublishes = ({ pulls: manyPulls }: Pick<Sizes, 'pulls'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const client = engine.client();
    const surroundings = { client, tables: await engine.createTables(), clock: () => NOW };
    const meter = meterCapacity(client);
    const confirm = (name: string, version: string, publisher: Publisher = PERSONAL) =>
      meter.during(() =>
        confirmPublish(confirmDeps(surroundings), { name, version, channel: STABLE, publisher, keyMembers: MEMBERS }),
      );
    const pulls = pullDeps(surroundings);
    const pull = () =>
      meter.during(async () => {
        const { credited = [] } = (await pulls.findVersion(NAME, VERSION)) ?? {};
        await recordPull(pulls, { name: NAME, version: VERSION, puller: userPuller('bob') }, credited, NOW);
      });

    const first = await confirm(NAME, VERSION);
    const later = await confirm(NAME, '2026.08.21.2');
    const again = await confirm(NAME, '2026.08.21.2');
    const shared = await confirm('@guild/tools', VERSION, GUILD);
    const firstPull = await pull();
    const pullAgain = await pull();

    const few = await refreshesWith(engine, FEW);
    const some = await refreshesWith(engine, PAST_THE_CAP);
    const many = await refreshesWith(engine, manyPulls);
    const confirmCosts = { budget: CONFIRM_BUDGET, floor: CONFIRM_FLOOR };
    return {
      costs: [
        cost("confirm, an extension's first version", 'WRU', first.writeUnits, confirmCosts),
        cost('confirm, a later version', 'WRU', later.writeUnits, confirmCosts),
        cost('confirm, a later version', 'RRU', later.readUnits),
        cost('confirm, sent again', 'WRU', again.writeUnits, { budget: 0 }),
        cost(`confirm, for each of ${MEMBERS.length} members`, 'WRU', shared.writeUnits / MEMBERS.length, {
          budget: CONFIRM_BUDGET,
        }),
        cost('pull', 'WRU', firstPull.writeUnits, { budget: 2, floor: 1 }),
        cost('pull', 'RRU', firstPull.readUnits, { budget: 1, floor: 1 }),
        cost('pull, sent again', 'WRU', pullAgain.writeUnits, { budget: 1 }),
        cost(`refresh after a pull, author with ${FEW} pulls`, 'RRU', few.announced.readUnits),
        cost(`refresh after a pull, author with ${manyPulls} pulls`, 'RRU', many.announced.readUnits),
        cost(`refresh from nothing, author with ${FEW} pulls`, 'RRU', few.fromNothing.readUnits),
        cost(`refresh from nothing, author with ${manyPulls} pulls`, 'RRU', many.fromNothing.readUnits),
      ],
      ratios: [
        ratioAtMost(
          `refresh after a pull, author with ${manyPulls} against ${FEW} pulls, RRU`,
          many.announced.readUnits / few.announced.readUnits,
          EQUAL_WITHIN,
        ),
        ratioAtMost(
          `refresh from nothing, author with ${manyPulls} against ${PAST_THE_CAP} pulls, RRU`,
          many.fromNothing.readUnits / some.fromNothing.readUnits,
          1,
        ),
      ],
    };
  });
