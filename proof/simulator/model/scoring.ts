/** The scoring rules once more, in the plainest form and from their text alone: nothing here knows the code under test. */

const DAY = 86_400_000;
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export const PUBLISH_POINTS = 500;
export const PUBLISH_CAP = 5_000;

/** Name, commands, points for each, cap. */
const GROUPS: readonly (readonly [readonly string[], number, number])[] = [
  [['model', 'data', 'vault', 'datastore'], 10, 2_000],
  [['workflow', 'run', 'serve'], 15, 3_000],
  [['extension'], 20, 2_000],
  [['repo', 'init', 'source', 'auth'], 5, 500],
];

/** `commands` are those of successful invocations, each as often as it occurred. */
export function activityPoints(commands: readonly string[], activeDates: ReadonlySet<string>, date: string): number {
  let [base, groups, grouped] = [0, 0, 0];
  for (const [names, points, cap] of GROUPS) {
    const count = commands.filter((command) => names.includes(command)).length;
    base += Math.min(cap, points * count);
    grouped += count;
    if (count > 0) groups += 1;
  }
  base += Math.min(250, commands.length - grouped);

  const daysBefore = (days: number) => dateOf(Date.parse(date) - days * DAY);
  let streak = 0;
  const first = activeDates.has(date) ? 0 : 1;
  while (activeDates.has(daysBefore(first + streak))) streak += 1;
  let rolling = 0;
  for (let back = 0; back < 28; back += 1) if (activeDates.has(daysBefore(back))) rolling += 1;

  const streakBp = BigInt(10_000 + Math.min(5_000, 100 * streak));
  const rollingBp = BigInt(10_000 + Math.floor((5_000 * rolling) / 28));
  return Number((BigInt(base + 50 * groups) * streakBp * rollingBp) / 100_000_000n);
}

export const publishPoints = (versions: number): number => Math.min(PUBLISH_CAP, PUBLISH_POINTS * versions);
export const pullPoints = (pulls: number): number => Math.min(500, 5 * pulls);
export const issuePoints = (issues: number): number => Math.min(1_000, 50 * issues);
export const signInPoints = (dates: number): number => Math.min(1_000, 10 * dates);

const TIERS: readonly (readonly [string, number])[] = [
  ['Seedling', 0],
  ['Sprout', 1_000],
  ['Sapling', 5_000],
  ['Tree', 25_000],
  ['Grove', 100_000],
  ['Forest', 500_000],
];

export const tierOf = (score: number): string => TIERS.findLast(([, from]) => from <= score)?.[0] ?? 'Seedling';
/** The tiers that a score has passed, the lowest left out: nobody is lifted into that. */
export const tiersUpTo = (score: number): readonly string[] =>
  TIERS.slice(1).flatMap(([name, from]) => (from <= score ? [name] : []));
