/** One cost: what a path takes of something that is paid for. */
export type Cost = {
  readonly name: string;
  readonly unit: string;
  readonly measured: number;
  /** Null where the row only informs. */
  readonly budget: number | null;
  /** What no correct design can undercut: a lower figure is a fault of the measurement. */
  readonly floor: number | null;
  readonly within: boolean | null;
};

/** One figure against another of the same run, so that it does not depend on the machine. */
export type Ratio = {
  readonly name: string;
  readonly measured: number;
  readonly target: number;
  readonly within: boolean;
};

export type Measurements = { readonly costs: readonly Cost[]; readonly ratios: readonly Ratio[] };

const rounded = (value: number): number => Number(value.toFixed(3));

/** Judged before it is rounded. A figure that is no number is within nothing. */
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

/** How far two costs are apart, as the greater by the smaller: 1 where they are equal. */
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
