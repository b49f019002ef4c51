import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { allMutants } from '../../proof/mutants/all-mutants.ts';
import { checkMutant } from '../../proof/mutants/check-mutant.ts';
import { mutant, SIMULATOR } from '../../proof/mutants/mutant.ts';
import { copyOfTree, type Tree } from '../../proof/mutants/tree.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const ADAPTERS = 'functions/adapters/dynamodb';

describe('the mutants', () => {
  it('each match the source exactly once', () => {
    const places = allMutants.flatMap(({ name, changes }) =>
      changes.map(({ file, find }) => {
        const occurrences = readFileSync(join(ROOT, file), 'utf8').split(find).length - 1;
        return { name, find, occurrences };
      }),
    );

    expect(places.filter(({ occurrences }) => occurrences !== 1)).toEqual([]);
  });

  it('have unique names', () => {
    const names = allMutants.map(({ name }) => name);

    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('change the source, and name existing tests', () => {
    for (const { name, changes, caughtBy } of allMutants) {
      for (const { find, replace } of changes) expect(replace, name).not.toBe(find);
      for (const file of caughtBy) expect(() => readFileSync(join(ROOT, file)), name).not.toThrow();
    }
  });

  it('remove every condition of a write: a new condition needs its own mutant', () => {
    const files = readdirSync(join(ROOT, ADAPTERS), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && file !== 'shared/conditions.ts') // each use of these has a mutant
      .map((file) => `${ADAPTERS}/${file}`);
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
      const conditions = [...text.matchAll(/(?<!Key)ConditionExpression: ([^,}]*)|(?<=\.\.\.)if(?:New|There|At)\b/gu)];
      return conditions
        .filter(({ index, 0: { length } }) => !changed.some(({ from, to }) => from < index + length && index < to))
        .map(([condition]) => `${file}: ${condition}`);
    });

    expect(uncovered).toEqual([]);
  });
});

describe('a removed guard', () => {
  let tree: Tree;
  beforeAll(() => {
    tree = copyOfTree();
  });
  afterAll(() => tree.remove());

  /** A few that fast tests of rules catch; `npm run prove:mutants` tries all. */
  it.each(['first-sender-stays', 'seal-device-check', 'message-failed'])('is noticed: %s', async (name) => {
    const chosen = allMutants.find((each) => each.name === name)!;

    expect(await checkMutant(tree, chosen, inject('assembly'))).toMatchObject({ kind: 'caught' });
  });

  const SETTLE = ['domain/shared/settle-all.ts', 'test/domain/shared/settle-all.test.ts'] as const;
  it.each([
    ['survived', 'that changes nothing', 'return values;', 'return [...values];'],
    ['broken', 'that does not load', 'return values;', 'return values);'],
    ['broken', 'that is wrong in itself, whatever it should hold', 'return values;', 'return valeus;'],
  ])('is reported as %s for a mutant %s', async (kind, _what, find, replace) => {
    const [file, test] = SETTLE;
    const useless = mutant('useless', 'nothing', file, [find, replace], test);

    expect(await checkMutant(tree, useless, inject('assembly'))).toMatchObject({ kind });
  });

  it('is reported as broken if the simulator cannot load it', async () => {
    const file = 'domain/consistency-check/consistency-report.ts';
    const useless = mutant('useless', 'nothing', file, ["z.enum(['hour',", "z.enum(['hour'],"], SIMULATOR);

    expect(await checkMutant(tree, useless, inject('assembly'))).toMatchObject({ kind: 'broken' });
  });
});
