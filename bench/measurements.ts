/** One cost: the amount of a billed resource that a path uses. */
export type Cost = {
  readonly name: string;
  readonly unit: string;
  readonly measured: number;
  /** Null for a row without a budget. */
  readonly budget: number | null;
  /** The minimum of any correct design. A lower figure means that the measurement is wrong. */
  readonly floor: number | null;
  readonly within: boolean | null;
};

/** A ratio of two figures of the same run, so that it does not depend on the machine. */
export type Ratio = {
  readonly name: string;
  readonly measured: number;
  readonly target: number;
  readonly within: boolean;
};

export type Measurements = { readonly costs: readonly Cost[]; readonly ratios: readonly Ratio[] };

const rounded = (value: number): number => Number(value.toFixed(3));

/** Compares the unrounded figure with its budget. NaN is never within a budget. */
export function cost(
  name: string,
  unit: string,
  measured: number,
  { budget = null, floor = null }: { readonly budget?: number | null; readonly floor?: number | null } = {},
): Cost {
  const isJudged = budget !== null || floor !== null;
  const within = isJudged ? measured <= (budget ?? Infinity) && measured >= (floor ?? 0) : null;
  return { name, unit, measured: rounded(measured), budget, floor, within };
}

export const ratioAtLeast = (name: string, measured: number, target: number): Ratio => ({
  name,
  measured: rounded(measured),
  target,
  within: measured >= target,
});

export const ratioAtMost = (name: string, measured: number, target: number): Ratio => ({
  name,
  measured: rounded(measured),
  target,
  within: measured <= target,
});

/** The ratio of two costs, the larger one divided by the smaller one: 1 if they are equal. */
export const apart = (a: number, b: number): number => (a === b ? 1 : Math.max(a, b) / Math.min(a, b));

export const everyRowIsWithin = ({ costs, ratios }: Measurements): boolean =>
  [...costs, ...ratios].every(({ within }) => within !== false);

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('the median of nothing');
  return (low + high) / 2;
};
