import type { AccountId } from '../identity/account.ts';
import { nothingGranted } from '../grants/granted.ts';
import { rulebookOf, type Rulebook } from '../rules/current-rules.ts';
import { countedEventsOf } from '../rules/reported-kinds.ts';
import type { CountRules, ScoringRules } from '../rules/scoring-rules.ts';
import type { ByDate } from '../shared/by-date.ts';
import { addDays, dateOf, type UtcDate } from '../shared/utc.ts';
import { namedCommandsOf } from './contributions.ts';
import { byPlainName, MAX_NAMES, plusCommand, type Fold } from './fold.ts';
import { foldMetrics, type RefreshDeps } from './refresh-score.ts';
import { maxCounted } from './registry-counts.ts';
import { decideScore, type UserScore } from './score.ts';
import type { StoredUser } from './score-store.port.ts';
import { firstDateKnown, foldedByOf, metricsCarriedOn, SEALED_AT_AGE, type UserMetrics } from './user-metrics.ts';

/** What reads the facts of an account of which the projections do not hold enough. */
export type FactReaders = Pick<RefreshDeps, 'telemetry' | 'registry' | 'sha256'>;

/** One account's score by the rules in force, and by others, on the same date. */
export type Trial = { readonly now: UserScore; readonly then: UserScore; readonly readFacts: boolean };

/**
 * What other rules would make of an account, as a refresh with them in force would compute it. Writes nothing. Facts
 * are read only if the stored metrics do not hold what the other rules count.
 */
export async function tryRules(
  facts: FactReaders,
  { username, stored }: { readonly username: AccountId; readonly stored: StoredUser },
  { rules, candidate, at }: { readonly rules: Rulebook; readonly candidate: ScoringRules; readonly at: number },
): Promise<Trial | null> {
  const metrics = stored.metrics?.metrics;
  if (metrics === undefined) return null;
  const date = dateOf(at);
  const by = async (book: Rulebook) => {
    const held = heldFor(metrics, book, { before: rules, date, sha256: facts.sha256 });
    const folded = held ?? (await fromFacts(facts, username, stored, book, date));
    const granted = stored.score?.score.granted ?? nothingGranted;
    const previous = stored.score?.score ?? null;
    const asked = { previous, isHidden: stored.isHidden, date, now: at, rules: book.inForce };
    return { score: decideScore(username, { metrics: folded, granted }, asked), readFacts: held === null };
  };
  const [now, then] = [await by(rules), await by(bookWith(rules, candidate))];
  return { now: now.score, then: then.score, readFacts: now.readFacts || then.readFacts };
}

/**
 * The rulebook with other rules in force, under a version of their own: a draft may have that of the rules in force.
 */
function bookWith({ all, inForce }: Rulebook, candidate: ScoringRules): Rulebook {
  const isNamedSo = candidate.version === inForce.version && candidate !== inForce;
  const version = isNamedSo ? `${candidate.version}, tried` : candidate.version;
  return rulebookOf([...all.filter((rules) => rules.version !== version), { ...candidate, version }], version);
}

async function fromFacts(
  facts: FactReaders,
  account: AccountId,
  stored: StoredUser,
  rules: Rulebook,
  date: UtcDate,
): Promise<UserMetrics> {
  const links = await facts.telemetry.linksOf(account);
  return (await foldMetrics({ ...facts, rules }, { username: account, days: null }, stored, { date, links })).metrics;
}

/** The stored metrics as these rules fold them; null if they do not hold enough for that. */
function heldFor(
  metrics: UserMetrics,
  book: Rulebook,
  { before, date, sha256 }: { before: Rulebook; date: UtcDate; sha256: FactReaders['sha256'] },
): UserMetrics | null {
  const [old, rules] = [before.inForce, book.inForce];
  if (metrics.foldedBy !== foldedByOf(old, sha256)) return null; // by another release
  if (metrics.sealedThrough > addDays(date, -SEALED_AT_AGE)) return null; // by a wrong clock
  if (!holdsRegistry(metrics, old, rules) || !holdsReports(metrics, old, rules)) return null;
  const foldedBy = foldedByOf(rules, sha256);
  const isSameActivity = JSON.stringify(old.activity) === JSON.stringify(rules.activity);
  if (foldedBy !== metrics.foldedBy && !isSameActivity && !holdsActivity(metrics, old, rules)) return null;
  const { inputsHash, reports, registry } = metrics;
  return metricsCarriedOn(
    isSameActivity ? metrics : withNamesOf(metrics, rules),
    [],
    { folds: new Map(), sentFrom: new Set() },
    { inputsHash, foldedBy, links: [], isAlone: false, date, rules: book, reports, registry },
  );
}

/** Versions and pulls are counted up to the cap: a higher one counts on. */
function holdsRegistry({ registry }: UserMetrics, old: ScoringRules, rules: ScoringRules): boolean {
  const holds = (counts: ByDate, before: CountRules, after: CountRules): boolean => {
    let sum = 0;
    const isReached = [...counts.values()].some((added) => (sum += added) >= maxCounted(before));
    return maxCounted(after) <= maxCounted(before) || !isReached;
  };
  return holds(registry.publishes, old.publishes, rules.publishes) && holds(registry.pulls, old.pulls, rules.pulls);
}

/** Counts of dates before the first known are one number, or one for each period that a cap was counted in. */
function holdsReports({ reports, sealedThrough }: UserMetrics, old: ScoringRules, rules: ScoringRules): boolean {
  const first = firstDateKnown(addDays(sealedThrough, SEALED_AT_AGE));
  const periodIn = ({ events }: ScoringRules, name: string) =>
    countedEventsOf({ events }).find(({ event }) => event === name)?.capPer ?? 'all';
  return [...reports].every(([event, { byDate }]) => {
    const after = periodIn(rules, event);
    return after === 'all' || after === periodIn(old, event) || [...byDate.keys()].every((date) => date > first);
  });
}

/**
 * Whether the folds hold what is counted by rules that name other commands or events. The points of sealed dates are
 * then computed again from the facts of those dates, and names beyond the first that are kept are one sum.
 */
function holdsActivity({ sealed, open }: UserMetrics, old: ScoringRules, rules: ScoringRules): boolean {
  if (sealed.lastHour !== null) return false;
  const folds = [...open.values()];
  const names = new Set(folds.flatMap(({ commands, events }) => [...commands.keys(), ...events.keys()]));
  const mappings = [old, rules].map(({ activity }) => activity.events.map((mapping) => JSON.stringify(mapping)));
  const [before = [], after = []] = mappings;
  const mappedOtherwise = [...old.activity.events, ...rules.activity.events].filter(
    (mapping) => !before.includes(JSON.stringify(mapping)) || !after.includes(JSON.stringify(mapping)),
  );
  return names.size < MAX_NAMES && !mappedOtherwise.some(({ event }) => names.has(event) || names.has(`~${event}`));
}

/** Commands that these rules name are counted under their plain names, from keyed and anonymous senders. */
function withNamesOf(metrics: UserMetrics, rules: ScoringRules): UserMetrics {
  const { commands: named } = namedCommandsOf(rules);
  const rename = (fold: Fold): Fold => {
    const ofNamed = [...fold.commands].filter(([name]) => named.has(name.replace('~', '')));
    const others = [...fold.commands].filter(([name]) => !named.has(name.replace('~', '')));
    return { ...fold, commands: new Map([...byPlainName(new Map(ofNamed), plusCommand), ...others]) };
  };
  return {
    ...metrics,
    sealed: rename(metrics.sealed),
    open: new Map([...metrics.open].map(([date, fold]) => [date, rename(fold)])),
  };
}
