import { beforeAll, describe, expect, it } from 'vitest';
import {
  differencesOf,
  figuresOfBalance,
  figuresOfMetrics,
  figuresOfScore,
  type Figures,
} from '../../../domain/consistency-check/figures.ts';
import type { Balance } from '../../../domain/grants/balance.ts';
import type { UserScore } from '../../../domain/scoring/score.ts';
import type { UserMetrics } from '../../../domain/scoring/user-metrics.ts';
import { aRegistryCount } from '../../builders/registry.ts';
import { aReportOf } from '../../builders/reports.ts';
import { ada, healthy } from './world.ts';

let metrics: UserMetrics;
let score: UserScore;
let balance: Balance;
beforeAll(async () => {
  const { scores, ledger } = await healthy();
  // Each field has a value, because a comparison of empty fields would prove nothing.
  const stored = scores.metrics.get(ada)!.metrics;
  metrics = { ...stored, reports: aReportOf(1, 1), registry: aRegistryCount(1, 1), ownedDevices: 1, sentFrom: [3] };
  ({ score } = scores.scores.get(ada)!);
  score = { ...score, granted: { ...score.granted, older: { count: 1, points: new Map([['badge', 2]]) } } };
  balance = ledger.balances.get(ada)!;
});

it('metrics equal a copy of themselves', () => {
  expect(differencesOf(figuresOfMetrics(metrics), figuresOfMetrics(structuredClone(metrics)))).toEqual([]);
});

it('a difference names the figure and its day', () => {
  const day = metrics.open.get('2026-08-23')!;
  const commands = new Map([['model', { total: 9, successes: 9 }]]);
  const open = new Map(metrics.open).set('2026-08-23', { ...day, commands });
  const found = differencesOf(figuresOfMetrics(metrics), figuresOfMetrics({ ...metrics, open }));

  expect(found.map(({ what }) => what)).toEqual([
    'command model of 2026-08-23',
    'successes of command model of 2026-08-23',
  ]);
});

type Path = readonly string[];

/** Every value of an object with its path, and a copy of the object in which only that value differs. */
function* changes(value: unknown, path: Path = []): Generator<{ readonly path: Path; readonly changed: unknown }> {
  if (typeof value === 'number') yield { path, changed: value + 1 };
  else if (typeof value === 'string') yield { path, changed: `${value}0` };
  else if (typeof value === 'boolean') yield { path, changed: !value };
  else if (value instanceof Map) {
    for (const [key, member] of value) {
      for (const { path: at, changed } of changes(member, [...path, String(key)])) {
        yield { path: at, changed: new Map(value).set(key, changed) };
      }
    }
  } else if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) {
      for (const { path: at, changed } of changes(member, [...path, String(index)])) {
        yield { path: at, changed: value.with(index, changed) };
      }
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      for (const { path: at, changed } of changes(member, [...path, name])) {
        yield { path: at, changed: { ...value, [name]: changed } };
      }
    }
  }
}

/** The values whose change the comparison would not notice. */
const unnoticed = <Projection>(
  projection: Projection,
  figures: (of: Projection) => Figures,
  notCompared = /^$/u,
): readonly string[] =>
  [...changes(projection)]
    .filter(({ path }) => !notCompared.test(path.join('.')))
    .filter(({ changed }) => differencesOf(figures(projection), figures(changed as Projection)).length === 0)
    .map(({ path }) => path.join('.'));

describe('each value of a projection', () => {
  // Fields of stored items. A new field must either be compared or be listed here with a reason.
  const NOT_COMPARED = {
    // These only decide whether metrics can be reused. Sealed dates keep the number from the time of sealing.
    metrics: /^(inputsHash|foldedBy|activity\..*)$/u,
    // Who, when and by which rules; memory of earlier saves; parts of the key.
    score:
      /^(username|date|rulesVersion|foldedBy|refreshedAt|isHidden|standingSince|steps\..*|contributions\.\d+\.(category|source))$/u,
  };
  it('is compared in metrics', () => {
    expect(unnoticed(metrics, figuresOfMetrics, NOT_COMPARED.metrics)).toEqual([]);
  });
  it('is compared in a score', () => {
    expect(unnoticed(score, figuresOfScore, NOT_COMPARED.score)).toEqual([]);
  });
  it('is compared in a balance', () => {
    expect(unnoticed(balance, figuresOfBalance)).toEqual([]);
  });
});

describe('a difference', () => {
  it('is also compared if only one side has it', () => {
    expect(differencesOf(new Map([['a', 1]]), new Map([['b', 2]]))).toEqual([
      { what: 'a', expected: 1, found: null },
      { what: 'b', expected: null, found: 2 },
    ]);
  });

  it('is printed in a readable text, however long the figures are', () => {
    const [long, longer] = ['x'.repeat(5_000), 'x'.repeat(5_001)];
    const [{ expected, found }] = differencesOf(new Map([['a', long]]), new Map([['a', longer]])) as [any];

    for (const text of [expected, found]) expect(text).toMatch(/^x{200}…$/u);
  });
});
