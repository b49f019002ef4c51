import { rulebook } from '../rules/current-rules.ts';
import { countedEventsOf } from '../rules/reported-kinds.ts';
import { activityEventsOf } from '../telemetry/event-kind.ts';
import { atEndOf, nothingByDate, type ByDate } from '../shared/by-date.ts';
import { madeOnce } from '../shared/made-once.ts';
import { startOfPeriod } from '../shared/periods.ts';
import type { UtcDate } from '../shared/utc.ts';
import type { NamedCommands, TelemetryOn } from './fold.ts';
import { activeDaysOn, activityOf, groupCounts, ONE, type ActivityInputs } from '../rules/activity.ts';
import { ACTIVITY, EXTENSIONS, partOf, type Part } from '../rules/parts.ts';
import type { ActivityRules, ScoredEvent, ScoringRules } from '../rules/scoring-rules.ts';

/** One keyed part of a score, recomputed from counts. */
export type Contribution = {
  readonly key: string;
  readonly category: string;
  readonly source: string;
  readonly points: number;
  /** The counts behind the points, kept so that a stored score can be explained. */
  readonly inputs: ReadonlyMap<string, number>;
};

/** The reported facts and the registry's counts of a user by the end of a date. */
export type Counts = {
  /** By event, and by the dates that each adds on: a cap may be of a period. */
  readonly reported: ReadonlyMap<string, ByDate>;
  readonly publishes: number;
  readonly pulls: number;
};

/** The inputs of a user's contributions on a date: the facts dated on or before it. */
export type ScoreFacts = { readonly telemetry: TelemetryOn; readonly counts: Counts };

type Inputs = ReadonlyMap<string, number>;

/** One step of the arithmetic, ready to show. */
export type ExplainedStep = {
  readonly label: string;
  readonly arithmetic: string;
  readonly value: number;
  /** The cap, if it took points away. */
  readonly cappedAt?: number;
};

/** A contribution that every score lists, also at 0. All that is particular to it is here. */
type FixedContribution = {
  readonly key: string;
  readonly category: string;
  readonly source: string;
  readonly inputsOn: (date: UtcDate, facts: ScoreFacts, rules: ScoringRules) => Inputs;
  readonly pointsOf: (inputs: Inputs, rules: ScoringRules) => number;
  readonly explain: (inputs: Inputs, rules: ScoringRules) => readonly ExplainedStep[];
};

export const ACTIVITY_KEY = 'telemetry:activity';
const OTHER_COMMANDS = 'other';
const GROUP = 'group:';

/** The inputs of the activity as flat counts, and back. */
const activityInputs = ({ activity }: ScoringRules, inputs: Inputs): ActivityInputs => ({
  groups: new Map(activity.groups.map(({ name }) => [name, inputs.get(`${GROUP}${name}`) ?? 0])),
  otherCommands: inputs.get(`${GROUP}${OTHER_COMMANDS}`) ?? 0,
  streak: inputs.get('streak') ?? 0,
  rollingDays: inputs.get('rollingDays') ?? 0,
});

const activityInputsOn = (
  date: UtcDate,
  { commands, activeDays }: TelemetryOn,
  rules: ScoringRules,
): ActivityInputs => ({
  ...groupCounts(successesOf(commands), rules.activity),
  ...activeDaysOn(activeDays, date, rules.activity),
});
function* successesOf(commands: TelemetryOn['commands']): Generator<readonly [command: string, count: number], void> {
  for (const [command, { successes }] of commands) yield [command, successes];
}

const activity: FixedContribution = {
  key: ACTIVITY_KEY,
  ...ACTIVITY,
  inputsOn: (date, { telemetry }, rules) => {
    const { groups, otherCommands, streak, rollingDays } = activityInputsOn(date, telemetry, rules);
    return new Map([
      ...[...groups].map(([name, count]) => [`${GROUP}${name}`, count] as const),
      [`${GROUP}${OTHER_COMMANDS}`, otherCommands],
      ['streak', streak],
      ['rollingDays', rollingDays],
    ]);
  },
  pointsOf: (inputs, rules) => activityOf(activityInputs(rules, inputs), rules.activity).points,
  explain: (inputs, rules) => explainActivity(activityInputs(rules, inputs), rules.activity),
};

const capNote = (uncapped: number, cap: number | undefined): { readonly cappedAt?: number } =>
  cap !== undefined && uncapped > cap ? { cappedAt: cap } : {};

function explainActivity(inputs: ActivityInputs, rules: ActivityRules): readonly ExplainedStep[] {
  const { base, diversity, streakBasisPoints, rollingBasisPoints, points } = activityOf(inputs, rules);
  const counted = rules.groups.map((group) => ({ ...group, count: inputs.groups.get(group.name) ?? 0 }));
  const other = { ...rules.otherCommands, name: OTHER_COMMANDS, count: inputs.otherCommands };
  const groupSteps = [...counted, other].map((group) => ({
    label: `${group.name} commands`,
    arithmetic: `min(${group.cap}, ${group.points} × ${group.count})`,
    value: Math.min(group.cap, group.points * group.count),
    ...capNote(group.points * group.count, group.cap),
  }));
  const used = counted.filter(({ count }) => count > 0).length;
  const { streak, window } = rules;
  return [
    ...groupSteps,
    { label: 'base', arithmetic: groupSteps.map(({ value }) => value).join(' + '), value: base },
    { label: 'diversity', arithmetic: `${rules.diversityPoints} × ${used} groups`, value: diversity },
    {
      label: 'streak, basis points',
      arithmetic: `${ONE} + min(${streak.maximum}, ${streak.basisPointsPerDay} × ${inputs.streak} days)`,
      value: streakBasisPoints,
      ...capNote(streak.basisPointsPerDay * inputs.streak, streak.maximum),
    },
    {
      label: 'active days in the window, basis points',
      arithmetic: `${ONE} + floor(${window.basisPoints} × ${inputs.rollingDays} / ${window.days})`,
      value: rollingBasisPoints,
    },
    {
      label: 'points',
      arithmetic: `floor((${base} + ${diversity}) × ${streakBasisPoints} × ${rollingBasisPoints} / ${ONE ** 2})`,
      value: points,
    },
  ];
}

/** The counted facts, and the points for each up to a cap. */
type CountedRules = Pick<ScoredEvent, 'points' | 'cap' | 'capPer'>;

const capped = (points: number, cap: number | undefined): number =>
  cap === undefined ? points : Math.min(cap, points);
const cappedStep = (points: number, cap: number | undefined, count: string): string =>
  cap === undefined ? `${points} × ${count}` : `min(${cap}, ${points} × ${count})`;

/** A contribution with fixed points for each fact of a kind, up to a cap on all of them. */
function counted(
  identity: Pick<FixedContribution, 'key' | 'category' | 'source'>,
  countOf: (counts: Counts, date: UtcDate) => number,
  { points, cap }: CountedRules,
  options: { readonly stopsAboveCap?: boolean } = {},
): FixedContribution {
  const uncapped = (inputs: Inputs) => points * (inputs.get('count') ?? 0);
  const shown = (inputs: Inputs) => {
    const isStopped = options.stopsAboveCap === true && cap !== undefined && uncapped(inputs) > cap;
    return `${inputs.get('count') ?? 0}${isStopped ? ' or more' : ''}`;
  };
  return {
    ...identity,
    inputsOn: (date, { counts }) => new Map([['count', countOf(counts, date)]]),
    pointsOf: (inputs) => capped(uncapped(inputs), cap),
    explain: (inputs) => [
      {
        label: 'points',
        arithmetic: cappedStep(points, cap, shown(inputs)),
        value: capped(uncapped(inputs), cap),
        ...capNote(uncapped(inputs), cap),
      },
    ],
  };
}

/** The same with a cap on each month or week: earlier ones are one number, the one of the date is told apart. */
function countedByPeriod(
  identity: Pick<FixedContribution, 'key' | 'category' | 'source'>,
  factsOf: (counts: Counts) => ByDate,
  { points, cap }: CountedRules,
  period: 'month' | 'week',
): FixedContribution {
  const now = (inputs: Inputs) => points * (inputs.get(period) ?? 0);
  const earlier = (inputs: Inputs) => inputs.get('earlierPoints') ?? 0;
  const pointsOf = (inputs: Inputs) => earlier(inputs) + capped(now(inputs), cap);
  return {
    ...identity,
    inputsOn: (date, { counts }) => {
      const current = startOfPeriod(period, date);
      const byPeriod = new Map<UtcDate, number>([[current, 0]]);
      for (const [day, count] of factsOf(counts)) {
        const start = startOfPeriod(period, day);
        if (day <= date) byPeriod.set(start, (byPeriod.get(start) ?? 0) + count);
      }
      const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, each) => total + each, 0);
      const before = [...byPeriod].filter(([start]) => start < current).map(([, count]) => count);
      return new Map([
        ['count', sum(byPeriod.values())],
        ['earlierPoints', sum(before.map((count) => capped(points * count, cap)))],
        [period, byPeriod.get(current) ?? 0],
      ]);
    },
    pointsOf,
    explain: (inputs) => [
      { label: `points of earlier ${period}s`, arithmetic: String(earlier(inputs)), value: earlier(inputs) },
      {
        label: `points of this ${period}`,
        arithmetic: cappedStep(points, cap, String(inputs.get(period) ?? 0)),
        value: capped(now(inputs), cap),
        ...capNote(now(inputs), cap),
      },
      {
        label: 'points',
        arithmetic: `${earlier(inputs)} + ${capped(now(inputs), cap)}`,
        value: pointsOf(inputs),
      },
    ],
  };
}

function contributionOfEvent(entry: ScoredEvent): FixedContribution {
  const factsOf = ({ reported }: Counts) => reported.get(entry.event) ?? nothingByDate;
  const { capPer = 'all' } = entry;
  return capPer === 'all'
    ? counted(entry, (counts, date) => atEndOf(date, factsOf(counts)), entry)
    : countedByPeriod(entry, factsOf, entry, capPer);
}

type Counted = FixedContribution & { readonly part: Part };

/** All contributions except the activity: their points follow from a count. */
const countedBy = madeOnce((rules: ScoringRules): readonly Counted[] =>
  [
    counted({ key: 'content:extension-publishes', ...EXTENSIONS }, ({ publishes }) => publishes, rules.publishes, {
      stopsAboveCap: true,
    }),
    counted({ key: 'content:extension-pulls', ...EXTENSIONS }, ({ pulls }) => pulls, rules.pulls, {
      stopsAboveCap: true,
    }),
    ...countedEventsOf(rules).map(contributionOfEvent),
  ].map((each) => ({ ...each, part: partOf(each) })),
);

const fixedBy = (rules: ScoringRules): readonly FixedContribution[] => [activity, ...countedBy(rules)];

/** The names that a fold keeps counts for by these rules. */
export const contributionKeysOf = (rules: ScoringRules): readonly string[] => fixedBy(rules).map(({ key }) => key);

const KEYS = [...new Set([rulebook.inForce, ...rulebook.all].flatMap(contributionKeysOf))];
const listingPlaceOf = (key: string): number => (KEYS.includes(key) ? KEYS.indexOf(key) : KEYS.length);

/**
 * The order in which contributions are listed, whatever store they come from: the fixed ones first, the rest by key.
 */
export const byListing = (a: Pick<Contribution, 'key'>, b: Pick<Contribution, 'key'>): number =>
  listingPlaceOf(a.key) - listingPlaceOf(b.key) || (a.key < b.key ? -1 : 1);

/** The contributions on a date, those that every score lists first. */
export const contributionsOn = (date: UtcDate, facts: ScoreFacts, rules: ScoringRules): readonly Contribution[] =>
  fixedBy(rules).map(({ key, category, source, inputsOn, pointsOf }) => {
    const inputs = inputsOn(date, facts, rules);
    return { key, category, source, points: pointsOf(inputs, rules), inputs };
  });

/** The points of the activity alone. */
export const activityPointsOn = (date: UtcDate, telemetry: TelemetryOn, rules: ScoringRules): number =>
  activityOf(activityInputsOn(date, telemetry, rules), rules.activity).points;
const noCounts: Counts = { reported: new Map(), publishes: 0, pulls: 0 };

/** The points of all other contributions that every score lists, each with its part. */
export const pointsOfCounts = (
  date: UtcDate,
  counts: Counts,
  rules: ScoringRules,
): readonly (readonly [Part, number])[] =>
  countedBy(rules).map(({ part, inputsOn, pointsOf }) => [
    part,
    pointsOf(inputsOn(date, { telemetry: noTelemetry, counts }, rules), rules),
  ]);
const noTelemetry: TelemetryOn = { commands: new Map(), activeDays: new Set() };

/** Whether anything counts in it. One in which nothing does follows from the rules. */
export const isTouched = ({ points, inputs }: Contribution): boolean =>
  points !== 0 || [...inputs.values()].some((count) => count !== 0);

/** These contributions with those of the rules in which nothing counts. */
export function withUntouched(
  date: UtcDate,
  touched: readonly Contribution[],
  rules: ScoringRules,
): readonly Contribution[] {
  const known = new Set(touched.map(({ key }) => key));
  const others = contributionsOn(date, { telemetry: noTelemetry, counts: noCounts }, rules);
  return [...touched, ...others.filter(({ key }) => !known.has(key))].sort(byListing);
}

/** How the points of a contribution came about. */
export const explainContribution = (contribution: Contribution, rules: ScoringRules): readonly ExplainedStep[] =>
  fixedBy(rules)
    .find(({ key }) => key === contribution.key)
    ?.explain(contribution.inputs, rules) ?? [];

/** What of telemetry must stay exact for these rules. */
export const namedCommandsOf = (rules: Pick<ScoringRules, 'activity'>): NamedCommands => ({
  commands: new Set(rules.activity.groups.flatMap(({ commands }) => commands)),
  events: activityEventsOf(rules),
});
