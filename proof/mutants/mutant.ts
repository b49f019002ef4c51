/** A change of one place in a source file. `find` must occur there exactly once. */
export type Change = { readonly file: string; readonly find: string; readonly replace: string };

/**
 * A guard, and the change that removes it. Some check must fail: if a mutant survives, somebody could remove the guard
 * and nobody would notice.
 */
export type Mutant = {
  readonly name: string;
  /** What the guard ensures, for a reader. */
  readonly guard: string;
  /** Another guard that ensures the same. This mutant removes both, because removing one of them changes nothing. */
  readonly heldAlsoBy?: string;
  readonly changes: readonly Change[];
  /** The fastest test files that can notice it, or the simulator. */
  readonly caughtBy: readonly string[];
  /** A regular expression for the full names of tests, so that a run is short. */
  readonly named?: string;
  /** The tests run the bundles, which must be built again. That takes seconds. */
  readonly inBundles?: true;
};

/** Runs random schedules, as `npm run prove` does, in place of test files. */
export const SIMULATOR = 'proof/prove.ts';

/** A mutant of one file. */
export const mutant = (
  name: string,
  guard: string,
  file: string,
  [find, replace]: readonly [find: string, replace: string],
  caughtBy: string | readonly string[],
  named?: string,
): Mutant => ({
  name,
  guard,
  changes: [{ file, find, replace }],
  caughtBy: [caughtBy].flat(),
  ...(named === undefined ? {} : { named }),
});

/** A condition that is always true. It still uses its names and values, because DynamoDB refuses unused ones. */
export const always = (condition: string): string => `${condition} OR attribute_exists(pk) OR attribute_not_exists(pk)`;

/** `...ifAt(revision)` that accepts any first write, and one that accepts any later write. */
export const withoutFirst = (revision: string, also = ''): readonly [string, string] => [
  `...ifAt(${revision}${also})`,
  `...(${revision} === 0 ? {} : ifAt(${revision}${also}))`,
];
export const withoutRevision = (revision: string, also = ''): readonly [string, string] => [
  `...ifAt(${revision}${also})`,
  `...(${revision} === 0 ? ifAt(0) : {})`,
];

export const PUT_IF = 'functions/adapters/dynamodb/shared/put-if.ts';
/** Treats a write whose answer was lost as another writer's. */
export const OWN_WRITE_IS_FORGOTTEN = [' || put.existing?.writeId?.S === input.Item.writeId?.S;', ';'] as const;

/** `'condition'` as it is in a file, and always true. */
export const withoutCondition = (condition: string, before = '', after = ''): readonly [string, string] => [
  `${before}'${condition}'${after}`,
  `${before}'${always(condition)}'${after}`,
];
