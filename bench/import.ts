import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { join } from 'node:path';
import { makeCommunity, writeSample } from '../examples/make-community.ts';
import { ingestTelemetry } from '../domain/telemetry/ingest-telemetry.ts';
import { Credential } from '../domain/identity/credential.ts';
import { setMembers } from '../domain/identity/set-members.ts';
import { Username } from '../domain/identity/username.ts';
import { settleAll } from '../domain/shared/settle-all.ts';
import { sampleLoad } from '../local/sample.ts';
import { scratchDirectory } from '../local/script.ts';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine } from './engine.ts';
import { withLocalStack } from './local-stack.ts';
import { cost, type Cost, type Measurements, ratioAtMost } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { confirmDeps, ingestDeps } from './wiring.ts';

const NOW = '2026-11-28T12:00:00.000Z';
const IMPORTER = Credential.parse({
  ...{ kind: 'admin', id: 'importer', hash: '', prefix: '', createdAt: NOW },
  scopes: ['history:import'],
});
/** Small enough for the budget of a request, whatever the events are. */
const A_REQUEST = 100;
/** As many writes as one import has under way. */
const PARALLEL_PUTS = 8;

/**
 * Measures a year of a community that is imported twice: each fact once, and then nothing but duplicates. And the first
 * start, which loads the sample.
 */
export const measureImports = async (sizes: Pick<Sizes, 'importedPeople' | 'sampledPeople'>): Promise<Measurements> => {
  const { costs, ratios } = await measureYear(sizes.importedPeople);
  return { costs: [...costs, ...(await costsOfFirstStart(sizes.sampledPeople))], ratios };
};

const measureYear = (people: number): Promise<Measurements> =>
  withEngine(async (engine) => {
    const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => Date.parse(NOW) };
    const versions = confirmDeps(surroundings);
    const { events, collectives } = makeCommunity({ people, days: 365, seed: 7 });
    const deps = ingestDeps(surroundings);
    for (const [slug, names] of Object.entries(collectives)) {
      const usernames = names.map((name) => Username.parse(name));
      const members = usernames.map(await deps.names.accountsOf(usernames));
      await setMembers(versions, { slug: Username.parse(slug), members });
    }
    const meter = meterCapacity(surroundings.client);
    const importAll = async (outcome: 'accepted' | 'duplicates') => {
      let count = 0;
      for (let from = 0; from < events.length; from += A_REQUEST) {
        const request = { events: events.slice(from, from + A_REQUEST), credential: IMPORTER };
        const report = await ingestTelemetry(deps, { ...request, history: { versions, dryRun: false } });
        if (report.rejected > 0) throw new Error(`an import rejected ${JSON.stringify(report.results)}`);
        count += report[outcome];
      }
      return count;
    };
    let [isNew, isThere] = [0, 0];
    const ofAPut = await secondsOfAPut(surroundings.client, surroundings.tables('backfill_runs'), events.length);
    const started = performance.now();
    const first = await meter.during(async () => void (isNew = await importAll('accepted')));
    const seconds = (performance.now() - started) / 1_000;
    const again = await meter.during(async () => void (isThere = await importAll('duplicates')));
    if (isThere !== events.length) throw new Error(`${events.length - isThere} imported events were no duplicates`);

    const ofThousand = (units: number) => (units * 1_000) / events.length;
    const path = `import, 1,000 of ${isNew.toLocaleString('en')} items of a year`;
    const repeat = 'import, 1,000 items that were there';
    return {
      costs: [
        cost(path, 'WRU', ofThousand(first.writeUnits), { budget: 1_600 }),
        cost(path, 'RRU', ofThousand(first.readUnits), { budget: 500 }),
        cost(path, 'requests', ofThousand(first.requests), { budget: 800 }),
        cost(repeat, 'WRU', ofThousand(again.writeUnits), { budget: 150 }),
        cost(repeat, 'RRU', ofThousand(again.readUnits), { budget: 320 }),
        cost('import, 100,000 items', 's', (seconds * 100_000) / events.length),
      ],
      ratios: [ratioAtMost('import, time of an item, against a put', seconds / events.length / ofAPut, 1.5)],
    };
  });

/** What an import is compared with: small items, put one by one, as many at a time. */
async function secondsOfAPut(client: DynamoDBClient, TableName: string, count: number): Promise<number> {
  const putAll = async () => {
    const started = performance.now();
    await settleAll([...Array(count).keys()], PARALLEL_PUTS, async (index) => {
      const Item = { pk: { S: `YARDSTICK#${index}` }, sk: { S: 'x' }, text: { S: 'x'.repeat(100) } };
      await client.send(new PutItemCommand({ TableName, Item }));
    });
    return (performance.now() - started) / 1_000 / count;
  };
  await putAll(); // warms client and engine
  return putAll();
}

/** What the functions ask of the database for the sample of a first start, which is to be there within seconds. */
async function costsOfFirstStart(people: number | null): Promise<readonly Cost[]> {
  const { path, remove } = scratchDirectory('bench-sample');
  const folder = people === null ? undefined : join(path, 'sample');
  if (people !== null && folder !== undefined) writeSample(folder, makeCommunity({ people, days: 30, seed: 7 }));
  const load = sampleLoad(join(path, 'sample.json'), { now: Date.parse(NOW), folder });
  const requests = new Map<string, number>();
  let refreshes = 0;
  await withLocalStack(
    {
      load: async (target) => load?.importAll(target),
      observe: ({ caller, operation, body }) => {
        if (operation.startsWith('DynamoDB_')) requests.set(caller, (requests.get(caller) ?? 0) + 1);
        if (caller === 'refresh-score' && operation.endsWith('.PutItem') && body.includes('"SCORE"')) refreshes += 1;
      },
    },
    async (stack) => {
      await load?.finish(stack);
      await stack.drain({ timeoutMs: 600_000, except: ['roll-up'] });
    },
  );
  remove();
  const of = (role: string) => requests.get(role) ?? NaN;
  return [
    cost('first start, import of the sample', 'requests', of('import-history'), { budget: 2_700 }),
    cost('first start, scores of the sample', 'requests', of('refresh-score'), { budget: 2_400 }),
    cost('first start, scores of the sample', 'refreshes', refreshes, { budget: 230 }),
  ];
}
