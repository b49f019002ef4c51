import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Measurements } from '../../bench/measurements.ts';
import { USUAL_SIZES } from '../../bench/sizes.ts';
import { dynoxideBinary } from '../../local/engines/dynamodb-engine.ts';

/** Tests the rules of the benchmark, not its figures. Those need `npm run bench` on an idle machine. */
const TINY = {
  ...USUAL_SIZES,
  ingestBatches: 2,
  longHistoryDays: 40,
  hostileNames: 1_500,
  importedPeople: 3,
  sampledPeople: 4,
  largeHour: 60_000,
  rounds: 1,
};

/** The functions whose first answer is measured. */
const FIRST_ANSWERS = 4;

/** Imported late, because the functions' logger reads its level when it is loaded. */
const topics = async () => {
  vi.stubEnv('AWS_LAMBDA_LOG_LEVEL', 'SILENT');
  return (await import('../../bench/topics.ts')).TOPICS;
};

const costOf = ({ costs }: Measurements, name: RegExp, unit: string) =>
  costs.find((cost) => name.test(cost.name) && cost.unit === unit);

describe.skipIf(dynoxideBinary() === undefined)('a run of the benchmark', () => {
  let measure: Awaited<ReturnType<typeof topics>>;
  beforeAll(async () => {
    measure = await topics();
  });

  it('finds one write per batch of a device-hour, one for its index entry, and no transaction', async () => {
    const measured = await measure.ingest!(TINY);

    expect(costOf(measured, /^ingest, 50 events/, 'WRU')).toMatchObject({ measured: 3, floor: 2, within: true });
    expect(costOf(measured, /^ingest, 50 events/, 'transactions')).toMatchObject({ measured: 0, within: true });
  });

  it('finds nothing but duplicates in a second import', async () => {
    const { measured } = costOf(await measure.import!(TINY), /^import, 1,000 of/, 'WRU')!;
    expect(measured).toBeGreaterThan(0); // it throws unless all were duplicates
  });

  it('finds that a refresh costs the same with a short and a longer history', async () => {
    const measured = await measure.refresh!(TINY);

    expect(measured.ratios.filter(({ name }) => name.includes('later of a date'))).toHaveLength(2);
    expect(measured.costs.filter(({ within }) => within === false)).toEqual([]);
  });

  it('finds that a rename and a merge cost the same with a short and a longer history', async () => {
    const measured = await measure.accounts!(TINY);

    expect(measured.ratios.map((ratio) => [ratio.measured, ratio.within])).toEqual([1, 1, 1].map((one) => [one, true]));
    expect(measured.costs.filter(({ within }) => within === false)).toEqual([]);
  });

  it('finds that the fold of an hour holds no more lines than its sorters do', async () => {
    const { costs } = await measure.hours!(TINY);

    expect(costs.filter(({ within }) => within === false)).toEqual([]);
    expect(costs.find(({ name }) => name.endsWith('on disk'))!.measured).toBeGreaterThan(0.5);
  });

  it('finds that invented names do not make an item larger', async () => {
    expect((await measure.names!(TINY)).ratios).toMatchObject([{ within: true }]);
  });

  it("replays the handler's requests to the bare loop, and to the handler without an engine", async () => {
    const [throughput, cpu] = [await measure.throughput!(TINY), await measure.cpu!(TINY)];

    expect(throughput.ratios.map(({ measured }) => measured > 0)).toEqual([true]);
    expect(cpu.costs).toMatchObject([{ unit: 'ms', budget: null }]);
    expect(cpu.ratios.map(({ measured }) => measured > 0)).toEqual([true]);
  });

  it('counts the calls of warm handlers, and measures their CPU in units of the same calls', async () => {
    const { costs, ratios } = await measure.calls!(TINY);

    expect(costs).toMatchObject([1, 3, 2].map((measured) => ({ unit: 'calls', measured, within: true })));
    expect(ratios.map(({ measured }) => measured > 0)).toEqual([true, true, true]);
  });

  it('finds the first page as small as it should be, and its CPU beside that of its JSON', async () => {
    const { costs, ratios } = await measure.pages!(TINY);

    expect(costs.filter(({ unit }) => unit === 'KB')).toMatchObject([{ within: true }, { within: true }]);
    expect(ratios.map(({ measured, target }) => [measured > 0, target])).toEqual([[true, 1]]);
  });

  it("measures every bundle's size, and the CPU to its handler and of first answers, in units of an empty one", async () => {
    const { costs, ratios } = await measure.bundles!(TINY);

    expect(costs.map(({ unit }) => unit)).toEqual(costs.map(() => 'KB'));
    expect(ratios.filter(({ measured }) => measured > 0)).toHaveLength(costs.length + FIRST_ANSWERS);
    expect(costOf({ costs, ratios: [] }, /^ingest-telemetry, bundle/, 'KB')).toMatchObject({ within: true });
  });
});
