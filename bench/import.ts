import { makeCommunity } from '../examples/make-community.ts';
import { ingestTelemetry } from '../domain/telemetry/ingest-telemetry.ts';
import { Credential } from '../domain/identity/credential.ts';
import { setMembers } from '../domain/identity/set-members.ts';
import { Username } from '../domain/identity/username.ts';
import { meterCapacity } from './capacity-meter.ts';
import { withEngine } from './engine.ts';
import { cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';
import { confirmDeps, ingestDeps } from './wiring.ts';

const NOW = '2026-11-28T12:00:00.000Z';
const IMPORTER = Credential.parse({
  ...{ kind: 'admin', id: 'importer', hash: '', prefix: '', createdAt: NOW },
  scopes: ['history:import'],
});
/** Small enough for the budget of a request, whatever the events are. */
const A_REQUEST = 100;

/** Measures a year of a community that is imported twice: each fact once, and then nothing but duplicates. */
export const measureImports = ({ importedPeople }: Pick<Sizes, 'importedPeople'>): Promise<Measurements> =>
  withEngine(async (engine) => {
    const surroundings = { client: engine.client(), tables: await engine.createTables(), clock: () => Date.parse(NOW) };
    const versions = confirmDeps(surroundings);
    const { events, collectives } = makeCommunity({ people: importedPeople, days: 365, seed: 7 });
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
    const started = performance.now();
    const first = await meter.during(async () => void (isNew = await importAll('accepted')));
    const seconds = (performance.now() - started) / 1_000;
    const again = await meter.during(async () => void (isThere = await importAll('duplicates')));
    if (isThere !== events.length) throw new Error(`${events.length - isThere} imported events were no duplicates`);

    const ofThousand = (units: number) => (units * 1_000) / events.length;
    const path = `import, 1,000 of ${isNew.toLocaleString('en')} items of a year`;
    return {
      costs: [
        cost(path, 'WRU', ofThousand(first.writeUnits)),
        cost(path, 'RRU', ofThousand(first.readUnits)),
        cost('import, 1,000 items that were there', 'WRU', ofThousand(again.writeUnits)),
        cost('import, 1,000 items that were there', 'RRU', ofThousand(again.readUnits)),
        cost('import, 100,000 items', 's', (seconds * 100_000) / events.length),
      ],
      ratios: [],
    };
  });
