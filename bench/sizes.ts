/** How much is measured. What is counted does not depend on it; what is timed gets steadier. */
export type Sizes = {
  readonly ingestBatches: number;
  readonly longHistoryDays: number;
  readonly hostileNames: number;
  readonly auditedLines: number;
  readonly pulls: number;
  /** Ascending. */
  readonly backfillUsers: readonly [number, ...number[]];
  /** Of the hours that are rolled up, one after the other. */
  readonly activeDevices: readonly number[];
  /** Scores that leaderboards are built of, ascending. */
  readonly boardUsers: readonly number[];
  /** Rounds of which the median counts. */
  readonly rounds: number;
  readonly loadSeconds: number;
  /** Of traffic, for each size of its batches. */
  readonly priceSeconds: number;
};

export const USUAL_SIZES: Sizes = {
  ingestBatches: 40,
  longHistoryDays: 700,
  hostileNames: 10_000,
  auditedLines: 10_000,
  pulls: 10_000,
  backfillUsers: [500, 5_000],
  activeDevices: [10, 1_000],
  boardUsers: [1_000, 100_000],
  rounds: 9,
  loadSeconds: 5,
  priceSeconds: 15,
};

export const FULL_SIZES: Sizes = {
  ...USUAL_SIZES,
  longHistoryDays: 3_650,
  hostileNames: 100_000,
  pulls: 1_000_000,
  backfillUsers: [500, 5_000, 20_000],
  activeDevices: [10, 1_000, 10_000],
  boardUsers: [1_000, 100_000, 1_000_000],
  rounds: 25,
  loadSeconds: 30,
  priceSeconds: 60,
};
