import { describe, expect, it } from 'vitest';
import type { CountedPull, CreditedVersion } from '../../../domain/registry/user-registry.port.ts';
import { rulesVersion1 } from '../../builders/rules.ts';
import { countRegistry } from '../../../domain/scoring/registry-counts.ts';
import { atEndOf } from '../../../domain/shared/by-date.ts';
import { addDays } from '../../../domain/shared/utc.ts';
import { aUsername } from './model.ts';

const TODAY = '2026-08-21';
const ago = (days: number): string => addDays(TODAY, -days);
const since = ago(91);

/** Counts rows in pages of a given size, and returns how many rows were read. */
async function count(
  { versions = [], pulls = [] }: { versions?: readonly CreditedVersion[]; pulls?: readonly CountedPull[] },
  { before = null, owned = [], page = 100 }: { before?: Counted | null; owned?: readonly string[]; page?: number } = {},
) {
  let pages = 0;
  async function* inPages<Row>(rows: readonly Row[]) {
    for (let at = 0; at < rows.length; at += page) {
      pages += 1;
      yield rows.slice(at, at + page);
    }
  }
  const registry = { versionsOf: () => inPages(versions), pullsOf: () => inPages(pulls) };
  const links = owned.map((deviceId) => ({ deviceId, owned: true }));
  const counts = await countRegistry(registry, aUsername(), { links, before, since, rules: rulesVersion1 });
  return { counts, pages };
}
type Counted = Parameters<typeof countRegistry>[2]['before'];

const version = (published: number, yanked: number | null = null): CreditedVersion => ({
  publishedOn: ago(published),
  yankedOn: yanked === null ? null : ago(yanked),
});
const pulls = (many: number, daysAgo: number, by = 'user:p'): CountedPull[] =>
  Array.from({ length: many }, (_, n) => ({ puller: `${by}${n}`, on: ago(daysAgo) }));

describe('versions', () => {
  it.each([
    ['before it was published', 11, 0],
    ['on the date of its publishing', 10, 1],
    ['on the date before its yank', 4, 1],
    ['from the date of its yank on', 3, 0],
  ])('a yanked version, %s', async (_when, daysAgo, expected) => {
    const { counts } = await count({ versions: [version(10, 3), version(2, 2)] });
    expect(atEndOf(ago(daysAgo), counts.publishes)).toBe(expected);
  });

  it('count up to one above the cap on every date, and stop reading when that is certain', async () => {
    const old = Array.from({ length: 11 }, () => version(200));
    expect(await count({ versions: [...old, version(3)] }, { page: 11 })).toMatchObject({
      counts: { publishes: new Map([[since, 11]]) },
      pages: 1,
    });
    const { counts, pages } = await count({ versions: [...old.slice(1), version(200, 5), version(3)] }, { page: 4 });
    expect([ago(91), ago(6), ago(5), ago(3)].map((date) => atEndOf(date, counts.publishes))).toEqual([11, 11, 10, 11]);
    expect(pages).toBe(3);
  });
});

describe('pulls', () => {
  it('count from their own dates on, without the user’s own', async () => {
    const own = [
      { puller: 'user:ada', on: ago(5) },
      { puller: 'device:d1', on: ago(5) },
    ];
    const { counts } = await count({ pulls: [...own, ...pulls(3, 4), ...pulls(2, 1)] }, { owned: ['d1'] });
    expect([...counts.pulls]).toEqual([
      [ago(4), 3],
      [ago(1), 2],
    ]);
  });

  it('are complete by date, for any order of the rows', async () => {
    const { counts } = await count({ pulls: [...pulls(150, 1), ...pulls(80, 10), ...pulls(21, 40)] });
    expect([...counts.pulls]).toEqual([
      [ago(40), 21],
      [ago(10), 80],
    ]);
  });

  it('are read until they are complete on every date, and no further', async () => {
    const old = pulls(1_500, 200);
    const { counts, pages } = await count({ pulls: old });
    expect([[...counts.pulls], pages]).toEqual([[[since, 101]], 2]);

    const again = await count({ pulls: old }, { before: { counts, isOfSameDevices: true } });
    expect(again).toEqual({ counts, pages: 0 });
    expect((await count({ pulls: old }, { before: { counts, isOfSameDevices: false } })).pages).toBe(2);
  });

  it('are read up to a thousand, and then no date counts fewer than before', async () => {
    const before = { counts: (await count({ pulls: pulls(60, 50) })).counts, isOfSameDevices: false };
    const { counts, pages } = await count({ pulls: [...pulls(5_000, 0), ...pulls(60, 50)] }, { before });
    expect(pages).toBe(10);
    expect([...counts.pulls]).toEqual([
      [ago(50), 60],
      [TODAY, 41],
    ]);
  });

  it('are searched beyond a thousand own ones of the user', async () => {
    const { counts } = await count({
      pulls: [
        ...pulls(1, 3, 'device:d').map((own) => own),
        ...Array.from({ length: 1_200 }, () => ({ puller: 'user:ada', on: ago(3) })),
        ...pulls(1, 2),
      ],
    });
    expect([...counts.pulls]).toEqual([
      [ago(3), 1],
      [ago(2), 1],
    ]);
  });
});

it('pulls by devices that name no installation credit nobody, whenever they were stored', async () => {
  const of = (...pullers: string[]) => pullers.map((puller) => ({ puller, on: ago(3) }));
  const nobody = of('device:undefined', 'device:[object Object]', 'device:0', 'device:~~null');
  const { counts } = await count({ pulls: [...nobody, ...of('device:d1', 'user:null', 'device:~null')] });

  expect(atEndOf(TODAY, counts.pulls)).toBe(3);
});
