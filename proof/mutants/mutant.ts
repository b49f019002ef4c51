/** One place of the source, as it stands and as a mutant has it. `find` must occur there exactly once. */
export type Change = { readonly file: string; readonly find: string; readonly replace: string };

/**
 * A guard, and the system without it. Some check must fail: a mutant that survives means that the guard could be taken
 * out, by mistake or in good faith, and nobody would know.
 */
export type Mutant = {
  readonly name: string;
  /** What the guard holds, in a reader's words. */
  readonly guard: string;
  /** Another guard that holds the same: this mutant is without both, since without one of them nothing changes. */
  readonly heldAlsoBy?: string;
  readonly changes: readonly Change[];
  /** Test files, the cheapest ones that can tell; or the simulator. */
  readonly caughtBy: readonly string[];
  /** Only tests whose full name has this, as a regular expression: what keeps a run short. */
  readonly named?: string;
  /** The tests run the bundles, which are made anew then: that takes seconds. */
  readonly inBundles?: true;
};

/** What runs random schedules, as `npm run prove` does: in the place of test files. */
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

/** A condition that holds whatever is stored; it goes on using its names and values, or the store would refuse it. */
export const always = (condition: string): string => `${condition} OR attribute_exists(pk) OR attribute_not_exists(pk)`;

/** `...ifAt(revision)` that refuses a first write no more, and one that refuses no later one. */
export const withoutFirst = (revision: string, also = ''): readonly [string, string] => [
  `...ifAt(${revision}${also})`,
  `...(${revision} === 0 ? {} : ifAt(${revision}${also}))`,
];
export const withoutRevision = (revision: string, also = ''): readonly [string, string] => [
  `...ifAt(${revision}${also})`,
  `...(${revision} === 0 ? ifAt(0) : {})`,
];

export const PUT_IF = 'functions/adapters/dynamodb/shared/put-if.ts';
/** A write whose answer was lost is taken for somebody else's. */
export const OWN_WRITE_IS_FORGOTTEN = [' || put.existing?.writeId?.S === input.Item.writeId?.S;', ';'] as const;

/** `'condition'` as it stands in a file, and made true for good. */
export const withoutCondition = (condition: string, before = '', after = ''): readonly [string, string] => [
  `${before}'${condition}'${after}`,
  `${before}'${always(condition)}'${after}`,
];
