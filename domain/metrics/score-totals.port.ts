/** The totals of all members at one time. */
export type ScoreTotals = { readonly members: number; readonly totalScore: bigint };

/** Reads every member's score once; one that is saved meanwhile counts before or after its save. */
export type ScoreTotalsReader = { read(): Promise<ScoreTotals> };
