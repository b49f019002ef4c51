import type { UtcDate } from '../shared/utc.ts';
import type { NamedCommands, TelemetryOn } from './fold.ts';
import { activeDaysOn, activityOf, groupCounts, type ActivityInputs } from '../rules/activity.ts';
import { ONE, type ActivityRules, type ReportRules, type ScoringRules } from '../rules/scoring-rules.ts';

/** One keyed part of a score, recomputed from counts. */
export type Contribution = {
  readonly key: string;
  readonly category: string;
  readonly source: string;
  readonly points: number;
  /** The counts that the points came from, kept so that a score can be explained as it stands. */
  readonly inputs: ReadonlyMap<string, number>;
};

/** What servers report of a user and the registry holds of them, by the end of a date. */
export type Counts = {
  readonly issues: number;
  readonly signIns: number;
  readonly publishes: number;
  readonly pulls: number;
};

/** What a user's contributions on a date are computed from: the facts dated on or before it. */
export type ScoreFacts = { readonly telemetry: TelemetryOn; readonly counts: Counts };

type Inputs = ReadonlyMap<string, number>;

/** One step of the arithmetic, ready to show. */
export type ExplainedStep = {
  readonly label: string;
  readonly arithmetic: string;
  readonly value: number;
  /** The cap, where it took points away. */
  readonly cappedAt?: number;
};

/** A contribution that every score lists, also at 0. All that is particular to it stands here. */
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

const activity: FixedContribution = {
  key: ACTIVITY_KEY,
  category: 'activity',
  source: 'cli',
  inputsOn: (date, { telemetry }, rules) => {
    const successes = [...telemetry.commands].map(([command, count]) => [command, count.successes] as const);
    const { groups, otherCommands } = groupCounts(successes, rules.activity);
    const { streak, rollingDays } = activeDaysOn(telemetry.activeDays, date, rules.activity);
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

const capNote = (uncapped: number, cap: number): { readonly cappedAt?: number } =>
  uncapped > cap ? { cappedAt: cap } : {};

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

/** A contribution of so many points for each of a kind, up to a cap. */
function counted(
  identity: Pick<FixedContribution, 'key' | 'category' | 'source'>,
  countOf: (counts: Counts) => number,
  rulesOf: (rules: ScoringRules) => ReportRules,
  options: { readonly stopsAboveCap?: boolean } = {},
): FixedContribution {
  const uncapped = (inputs: Inputs, { points }: ReportRules) => points * (inputs.get('count') ?? 0);
  const shown = (inputs: Inputs, rules: ReportRules) => {
    const isStopped = options.stopsAboveCap === true && uncapped(inputs, rules) > rules.cap;
    return `${inputs.get('count') ?? 0}${isStopped ? ' or more' : ''}`;
  };
  return {
    ...identity,
    inputsOn: (_date, { counts }) => new Map([['count', countOf(counts)]]),
    pointsOf: (inputs, rules) => Math.min(rulesOf(rules).cap, uncapped(inputs, rulesOf(rules))),
    explain: (inputs, rules) => {
      const { points, cap } = rulesOf(rules);
      return [
        {
          label: 'points',
          arithmetic: `min(${cap}, ${points} × ${shown(inputs, rulesOf(rules))})`,
          value: Math.min(cap, uncapped(inputs, rulesOf(rules))),
          ...capNote(uncapped(inputs, rulesOf(rules)), cap),
        },
      ];
    },
  };
}

/** All but the activity: what they give follows from a count. */
const COUNTED: readonly FixedContribution[] = [
  counted(
    { key: 'content:extension-publishes', category: 'content', source: 'extensions' },
    ({ publishes }) => publishes,
    ({ publishes }) => publishes,
    { stopsAboveCap: true },
  ),
  counted(
    { key: 'content:extension-pulls', category: 'content', source: 'extensions' },
    ({ pulls }) => pulls,
    ({ pulls }) => pulls,
    { stopsAboveCap: true },
  ),
  counted(
    { key: 'community:lab-issues', category: 'community', source: 'issues' },
    ({ issues }) => issues,
    ({ issues }) => issues,
  ),
  counted(
    { key: 'community:daily-sign-in', category: 'community', source: 'sign-in' },
    ({ signIns }) => signIns,
    ({ signIns }) => signIns,
  ),
];

const FIXED = [activity, ...COUNTED];

export const CONTRIBUTION_KEYS: readonly string[] = FIXED.map(({ key }) => key);

const listingPlaceOf = (key: string): number => {
  const place = FIXED.findIndex((fixed) => fixed.key === key);
  return place < 0 ? FIXED.length : place;
};

/** The order in which contributions are listed, whatever store they come from: the fixed ones first, the rest by key. */
export const byListing = (a: Pick<Contribution, 'key'>, b: Pick<Contribution, 'key'>): number =>
  listingPlaceOf(a.key) - listingPlaceOf(b.key) || (a.key < b.key ? -1 : 1);

/** The contributions on a date, those that every score lists first. */
export const contributionsOn = (date: UtcDate, facts: ScoreFacts, rules: ScoringRules): readonly Contribution[] =>
  FIXED.map(({ key, category, source, inputsOn, pointsOf }) => {
    const inputs = inputsOn(date, facts, rules);
    return { key, category, source, points: pointsOf(inputs, rules), inputs };
  });

/** The points of the activity alone. */
export const activityPointsOn = (date: UtcDate, telemetry: TelemetryOn, rules: ScoringRules): number =>
  activity.pointsOf(activity.inputsOn(date, { telemetry, counts: noCounts }, rules), rules);
const noCounts: Counts = { issues: 0, signIns: 0, publishes: 0, pulls: 0 };

/** The points of all other contributions that every score lists. */
export const pointsOfCounts = (counts: Counts, rules: ScoringRules): number =>
  COUNTED.map(({ inputsOn, pointsOf }) =>
    pointsOf(inputsOn('', { telemetry: noTelemetry, counts }, rules), rules),
  ).reduce((sum, points) => sum + points, 0);
const noTelemetry: TelemetryOn = { commands: new Map(), activeDays: new Set() };

/** How the points of a contribution came about. */
export const explainContribution = (contribution: Contribution, rules: ScoringRules): readonly ExplainedStep[] =>
  FIXED.find(({ key }) => key === contribution.key)?.explain(contribution.inputs, rules) ?? [];

/** The commands whose counts must stay exact for these rules. */
export const namedCommandsOf = ({ activity: { groups } }: ScoringRules): NamedCommands =>
  new Set(groups.flatMap(({ commands }) => commands));
