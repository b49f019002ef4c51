/** The sizes of the measurements. Larger sizes do not change counts, but make times steadier. */
export type Sizes = {
  readonly ingestBatches: number;
  readonly importedPeople: number;
  /** In the sample of a first start; null: the sample that `npm start` loads. */
  readonly sampledPeople: number | null;
  readonly longHistoryDays: number;
  readonly hostileNames: number;
  readonly auditedLines: number;
  readonly pulls: number;
  /** Ascending. */
  readonly backfillUsers: readonly [number, ...number[]];
  /** Accounts that rules are tried over, ascending. */
  readonly triedUsers: readonly [number, number];
  /** For the hours that are rolled up, one after the other. */
  readonly activeDevices: readonly number[];
  /** Events of an hour that is folded, and then twice as many. */
  readonly largeHour: number;
  /** Numbers of scores on the leaderboards, ascending. */
  readonly boardUsers: readonly number[];
  /** The number of rounds; their median is reported. */
  readonly rounds: number;
  readonly loadSeconds: number;
  /** Seconds of traffic for each batch size. */
  readonly priceSeconds: number;
};

export const USUAL_SIZES: Sizes = {
  ingestBatches: 40,
  importedPeople: 24,
  sampledPeople: null,
  longHistoryDays: 700,
  hostileNames: 10_000,
  auditedLines: 10_000,
  pulls: 10_000,
  backfillUsers: [500, 5_000],
  triedUsers: [1_000, 10_000],
  activeDevices: [10, 1_000],
  largeHour: 300_000,
  boardUsers: [1_000, 100_000],
  rounds: 9,
  loadSeconds: 5,
  priceSeconds: 30,
};

export const FULL_SIZES: Sizes = {
  ...USUAL_SIZES,
  importedPeople: 120,
  longHistoryDays: 3_650,
  hostileNames: 100_000,
  pulls: 1_000_000,
  backfillUsers: [500, 5_000, 20_000],
  triedUsers: [10_000, 100_000],
  activeDevices: [10, 1_000, 10_000],
  largeHour: 4_000_000,
  boardUsers: [1_000, 100_000, 1_000_000],
  rounds: 25,
  loadSeconds: 30,
  priceSeconds: 60,
};
