import * as z from 'zod/mini';

const Points = z.int().check(z.nonnegative());
/** Basis points: ten-thousandths. */
const BasisPoints = z.int().check(z.nonnegative());

const CommandGroup = z.object({
  name: z.string(),
  commands: z.array(z.string()).check(z.minLength(1)),
  /** For each counted invocation. */
  points: Points,
  cap: Points,
});
export type CommandGroup = z.infer<typeof CommandGroup>;

const ActivityRules = z.object({
  groups: z.array(CommandGroup),
  /** Every command that no group names. It adds nothing to the diversity. */
  otherCommands: z.object({ points: Points, cap: Points }),
  /** For each group with a count above zero. */
  diversityPoints: Points,
  streak: z.object({ basisPointsPerDay: BasisPoints, maximum: BasisPoints }),
  /** So many basis points where every one of the days is active, rounded down. */
  window: z.object({ days: z.int().check(z.positive()), basisPoints: BasisPoints }),
});
export type ActivityRules = z.infer<typeof ActivityRules>;

/** So many points for each of a kind, up to a cap. */
const ReportRules = z.object({ points: Points, cap: Points });
export type ReportRules = z.infer<typeof ReportRules>;

const Tier = z.object({ name: z.string(), from: Points });
export type Tier = z.infer<typeof Tier>;

/** The unit of a multiplier: 10 000 basis points are 1. */
export const ONE = 10_000;

/** Above this a product would leave the whole numbers that a double holds exactly, and the score would be rounded. */
const staysExact = ({ activity }: { readonly activity: ActivityRules }): boolean => {
  const caps = activity.groups.reduce((sum, group) => sum + group.cap + activity.diversityPoints, 0);
  const most = caps + activity.otherCommands.cap;
  const streak = ONE + activity.streak.maximum;
  const window = ONE + activity.window.basisPoints;
  return Number.isSafeInteger(most * streak * window) && most * streak * window < Number.MAX_SAFE_INTEGER;
};

const namesEachCommandOnce = ({ activity }: { readonly activity: ActivityRules }): boolean => {
  const commands = activity.groups.flatMap((group) => group.commands);
  return new Set(commands).size === commands.length;
};

const tiersRiseFromZero = ({ tiers }: { readonly tiers: readonly Tier[] }): boolean =>
  tiers.every(({ from }, index) => {
    const below = tiers[index - 1];
    return below === undefined ? from === 0 : from > below.from;
  });

/** The rules of a score as data. Points are whole numbers; what is caught here would otherwise be a wrong score. */
export const ScoringRules = z
  .object({
    version: z.string(),
    activity: ActivityRules,
    issues: ReportRules,
    signIns: ReportRules,
    /** Versions published and not yanked. The ledger's publish grants have the same points and cap. */
    publishes: ReportRules,
    pulls: ReportRules,
    /** Points for each feed post. */
    feedPosts: z.object({ points: Points }),
    tiers: z.array(Tier).check(z.minLength(1)),
  })
  .check(
    z.refine(staysExact, 'the largest activity score must be an exact whole number'),
    z.refine(namesEachCommandOnce, 'a command belongs to one group'),
    z.refine(tiersRiseFromZero, 'tiers rise from 0'),
  );
export type ScoringRules = z.infer<typeof ScoringRules>;
