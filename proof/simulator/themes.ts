/**
 * The main theme of a schedule, with weights. A schedule has few kinds of steps, so that they interact. A roll-up takes
 * the most requests.
 */
export const THEMES = { telemetry: 3, ledger: 3, registry: 3, metrics: 2, backfill: 3, races: 5, all: 3 } as const;
export type Theme = keyof typeof THEMES;
export type Sort =
  | 'ingest'
  | 'bulk'
  | 'reported'
  | 'trusted'
  | 'grant'
  | 'registry'
  | 'unbind'
  | 'backfill'
  | 'burst'
  | 'flow'
  | 'drain'
  | 'time'
  | 'odd'
  | 'visibility';
type Weights = Readonly<Partial<Record<Sort, number>>>;

/** The weight of each kind of step, by theme. */
export const WEIGHTS: Readonly<Record<Theme, Weights>> = {
  telemetry: {
    ingest: 25,
    bulk: 12,
    burst: 12,
    reported: 5,
    trusted: 4,
    unbind: 6,
    flow: 15,
    drain: 25,
    time: 8,
    odd: 2,
  },
  ledger: { grant: 30, visibility: 3, burst: 15, trusted: 10, flow: 12, drain: 16, time: 5, odd: 2 },
  registry: { registry: 30, burst: 10, trusted: 12, ingest: 5, unbind: 3, flow: 15, drain: 20, time: 5, odd: 2 },
  metrics: {
    ingest: 20,
    burst: 5,
    reported: 3,
    trusted: 4,
    grant: 5,
    registry: 6,
    backfill: 3,
    flow: 20,
    drain: 20,
    time: 12,
  },
  backfill: { ingest: 16, grant: 6, registry: 4, unbind: 3, backfill: 14, flow: 15, drain: 20, time: 6, odd: 6 },
  races: { ingest: 40, drain: 50, trusted: 6, grant: 6, unbind: 1, backfill: 2 },
  all: {
    ingest: 16,
    bulk: 5,
    burst: 8,
    reported: 3,
    trusted: 6,
    grant: 8,
    registry: 10,
    unbind: 3,
    backfill: 3,
    flow: 20,
    drain: 20,
    time: 6,
    odd: 3,
    visibility: 2,
  },
};
