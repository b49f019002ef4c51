import { madeOnce } from '../shared/made-once.ts';
import { dayNumberOf, type UtcDate } from '../shared/utc.ts';
import type { ActivityRules } from './scoring-rules.ts';

/** The unit of a multiplier: 10 000 basis points are 1. */
export const ONE = 10_000;

/** The inputs of the activity formula on one date. Whole numbers. */
export type ActivityInputs = {
  /** Successful invocations by the group's name. */
  readonly groups: ReadonlyMap<string, number>;
  /** Successful invocations of commands that no group names. */
  readonly otherCommands: number;
  /** Consecutive active dates that end on the date or, if it is not active, on the day before. */
  readonly streak: number;
  /** Active dates in the window that ends on the date. */
  readonly rollingDays: number;
};

export type ActivityResult = {
  readonly base: number;
  readonly diversity: number;
  readonly streakBasisPoints: number;
  readonly rollingBasisPoints: number;
  readonly points: number;
};

/** The group of each named command. */
const groupsByCommand = /* @__PURE__ */ madeOnce(
  (rules: ActivityRules): ReadonlyMap<string, string> =>
    new Map(rules.groups.flatMap(({ name, commands }) => commands.map((command) => [command, name]))),
);

/** Sorts successful invocations, counted by command, into the groups of the rules. */
export function groupCounts(
  successes: Iterable<readonly [command: string, count: number]>,
  rules: ActivityRules,
): Pick<ActivityInputs, 'groups' | 'otherCommands'> {
  const groupOf = groupsByCommand(rules);
  const groups = new Map(rules.groups.map(({ name }) => [name, 0]));
  let otherCommands = 0;
  for (const [command, count] of successes) {
    const group = groupOf.get(command);
    if (group === undefined) otherCommands += count;
    else groups.set(group, (groups.get(group) ?? 0) + count);
  }
  return { groups, otherCommands };
}

/**
 * Streak and rolling days on a date. Active days are numbered since 1970-01-01; days after the date (a client's clock
 * may run ahead) count once their date has come.
 */
export function activeDaysOn(
  activeDays: ReadonlySet<number>,
  date: UtcDate,
  rules: ActivityRules,
): Pick<ActivityInputs, 'streak' | 'rollingDays'> {
  const today = dayNumberOf(date);
  const end = activeDays.has(today) ? today : today - 1;
  let streak = 0;
  while (activeDays.has(end - streak)) streak += 1;
  let rollingDays = 0;
  for (let day = today - rules.window.days + 1; day <= today; day += 1) if (activeDays.has(day)) rollingDays += 1;
  return { streak, rollingDays };
}

/** The activity formula. Only the last step divides, and every step before it is exact (checked with the rules). */
export function activityOf(inputs: ActivityInputs, rules: ActivityRules): ActivityResult {
  const counted = rules.groups.map((group) => ({ ...group, count: inputs.groups.get(group.name) ?? 0 }));
  const { points, cap } = rules.otherCommands;
  const base = [...counted, { points, cap, count: inputs.otherCommands }]
    .map((group) => Math.min(group.cap, group.points * group.count))
    .reduce((sum, part) => sum + part, 0);
  const diversity = rules.diversityPoints * counted.filter(({ count }) => count > 0).length;
  const { streak, window } = rules;
  const streakBasisPoints = ONE + Math.min(streak.maximum, streak.basisPointsPerDay * inputs.streak);
  const rollingBasisPoints = ONE + Math.floor((window.basisPoints * inputs.rollingDays) / window.days);
  const product = (base + diversity) * streakBasisPoints * rollingBasisPoints;
  // The remainder is taken off first: a quotient of doubles could round up to the next whole number.
  return {
    base,
    diversity,
    streakBasisPoints,
    rollingBasisPoints,
    points: (product - (product % ONE ** 2)) / ONE ** 2,
  };
}
