import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allMutants } from '../../proof/mutants/all-mutants.ts';
import { occurrencesOf } from '../../proof/mutants/tree.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const ADAPTERS = 'functions/adapters/dynamodb';

describe('the mutants', () => {
  it('each have a place in the source as it stands, exactly one', () => {
    const places = allMutants.flatMap(({ name, changes }) =>
      changes.map((change) => ({ name, find: change.find, occurrences: occurrencesOf(change) })),
    );

    expect(places.filter(({ occurrences }) => occurrences !== 1)).toEqual([]);
  });

  it('have names of their own', () => {
    const names = allMutants.map(({ name }) => name);

    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('change something, and name tests that there are', () => {
    for (const { name, changes, caughtBy } of allMutants) {
      for (const { find, replace } of changes) expect(replace, name).not.toBe(find);
      for (const file of caughtBy) expect(() => readFileSync(join(ROOT, file)), name).not.toThrow();
    }
  });

  it('take out every condition of a write: a new one needs a mutant of its own', () => {
    const files = readdirSync(join(ROOT, ADAPTERS)).map((file) => `${ADAPTERS}/${file}`);
    const uncovered = files.flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const changed = allMutants.flatMap(({ changes }) =>
        changes
          .filter((change) => change.file === file)
          .map(({ find }) => {
            const from = text.indexOf(find);
            return { from, to: from + find.length };
          }),
      );
      const conditions = [...text.matchAll(/(?<!Key)ConditionExpression: ([^,}]*)/gu)];
      return conditions
        .filter(({ index, 0: { length } }) => !changed.some(({ from, to }) => from < index + length && index < to))
        .map(([condition]) => `${file}: ${condition}`);
    });

    expect(uncovered).toEqual([]);
  });
});
