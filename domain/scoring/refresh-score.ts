import { readGranted } from '../grants/granted.ts';
import { readGrantedTogether } from '../grants/granted-together.ts';
import type { Merge } from '../grants/move-totals.ts';
import { grantPoints, type GrantDeps } from '../grants/grant-points.ts';
import type { LinesDeps } from '../grants/read-lines.ts';
import type { AccountId } from '../identity/account.ts';
import type { UserRegistry } from '../registry/user-registry.port.ts';
import type { Clock, Random, Sha256, Sleep } from '../shared/environment.ts';
import { settleAll } from '../shared/settle-all.ts';
import { addDays, isoOf, type UtcDate } from '../shared/utc.ts';
import type { ChunkPlace } from '../telemetry/retention.ts';
import type { DeviceLink, UserTelemetry } from '../telemetry/user-telemetry.port.ts';
import { namedCommandsOf } from './contributions.ts';
import { foldDays } from './facts.ts';
import { isDoneSince, startsAfter } from './fold-starts.ts';
import { countRegistry } from './registry-counts.ts';
import { rulebook, type Rulebook } from '../rules/current-rules.ts';
import { decideScore, type UserScore } from './score.ts';
import type { ScoreRefreshRequested } from '../messages/score-refresh.message.ts';
import type { ScoreStore, StoredUser } from './score-store.port.ts';
import { leavingWith } from './score-steps.ts';
import { tierBadge, tierBadgeGrantId, type TierReached } from './tiers-reached.ts';
import { turnTaker, type TurnTaker } from './turns.ts';
import { asWorker, untilSaved } from '../shared/until-saved.ts';
import {
  foldInputsOf,
  firstDateKnown,
  foldedByOf,
  isKnown,
  linksCarriedOn,
  metricsCarriedOn,
  metricsFromNothing,
  planRefresh,
  SEALED_AT_AGE,
  type UserMetrics,
} from './user-metrics.ts';
import { dateAhead, dateOfRefresh, withoutTheFuture } from './wrong-clock.ts';

export type RefreshDeps = {
  readonly telemetry: UserTelemetry;
  readonly registry: UserRegistry;
  readonly scores: ScoreStore;
  readonly grants: GrantDeps & LinesDeps;
  /** For accounts that are shown as part of others: asks for the refresh of those, and moves the balance. */
  readonly requestRefreshes?: (requests: readonly ScoreRefreshRequested[]) => Promise<void>;
  readonly moveTotals?: (account: AccountId, merge: Merge) => Promise<void>;
  /** The default is the rules of this release. */
  readonly rules?: Rulebook;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly sha256: Sha256;
  /**
   * Keeps what was stored of a device before it had an owner. False if some of it has expired since. Missing in tests of
   * facts that do not expire.
   */
  readonly keepChunks?: (places: readonly ChunkPlace[]) => Promise<boolean>;
  /** Reports a stored date that only a wrong clock can have saved. The refresh that finds it corrects it. */
  readonly reportDateAhead: (account: AccountId, date: UtcDate) => void;
};

/** What to recompute. */
export type Refresh = {
  readonly username: AccountId;
  /** Null if everything is folded from nothing. */
  readonly days: readonly UtcDate[] | null;
  /** Whether to count the reported facts again; done in any case if `days` is null. */
  readonly reports?: boolean;
  /** Whether to list the grants again although the ledger has not moved; done in any case if `days` is null. */
  readonly grants?: boolean;
  /** Whether to count the registry's facts again; done in any case if `days` is null. */
  readonly registry?: boolean;
  /** False if the ledger did not move since the stored score was made. */
  readonly ledger?: boolean;
  /** Every change that asks for it was committed before, ISO 8601. Without it, the refresh is done in any case. */
  readonly changedBefore?: string;
  /** When the oldest change that asks for it was committed, ISO 8601. */
  readonly changedAt?: string;
  /** How often it was put off. */
  readonly putOffs?: number;
};

/**
 * `unknown`: nothing was saved, because the account was erased, or has no device, event or grant and nothing stored.
 * `done-since`: a fold is stored that began after all announced changes. `put-off`: another refresh of this user has
 * its turn, so the caller asks for this one again.
 */
export type RefreshOutcome = 'saved' | 'unknown' | 'done-since' | 'put-off';

/**
 * Folds a user's facts and saves metrics and score: guard, then facts, then save. It starts again if another refresh saved
 * in between. It may run at any time, any number of times.
 */
export async function refreshScore(deps: RefreshDeps, refresh: Refresh): Promise<RefreshOutcome> {
  const { scores, clock, grants } = deps;
  const turns = turnTaker({ scores, clock, randomToken: grants.randomToken }, refresh);
  try {
    return await untilSaved(asWorker(deps, `refresh of ${refresh.username}`), () => refreshOnce(deps, refresh, turns));
  } finally {
    await turns.release();
  }
}

async function refreshOnce(deps: RefreshDeps, refresh: Refresh, turns: TurnTaker): Promise<RefreshOutcome | 'stale'> {
  const startedAt = deps.clock(); // before the guard, so before anything is read
  const guard = await deps.scores.load(refresh.username);
  if (guard.erasedAt !== undefined) return 'unknown';
  // Taken after the guard: a date from before it could be older than the one that another refresh has saved since.
  const now = deps.clock();
  const wrongDate = dateAhead(guard, now);
  if (wrongDate !== undefined) deps.reportDateAhead(refresh.username, wrongDate);
  // First, because a refresh that is skipped or put off must not lose them.
  await passOn(deps, refresh, guard);
  if (wrongDate === undefined && isDoneSince(guard, refresh, now)) return 'done-since';
  const merged = guard.merged ?? [];
  const date = dateOfRefresh(guard, now);
  const { sha256, rules: { inForce: rules } = rulebook } = deps;
  const readLinks = () => linksOfAll(deps.telemetry, [refresh.username, ...merged]);
  const { days } = refresh;
  const kept = linksCarriedOn(guard.metrics?.metrics ?? null, { foldedBy: foldedByOf(rules, sha256), days, date });
  const links = kept ?? (await readLinks());
  const turn = await turns.take(guard, links.length);
  if (turn !== 'go') return turn === 'again' ? refreshOnce(deps, refresh, turns) : turn;
  let folded = await foldMetrics(deps, refresh, guard, { date, links });
  // A fold of all days also covers a change of the devices.
  if (folded.isFromNothing && kept !== undefined)
    folded = await foldMetrics(deps, refresh, guard, { date, links: await readLinks() });
  const { metrics, isFromNothing, expiring } = folded;
  // Before the save: what a score counts is there as long as the score.
  if (expiring.length > 0 && (await deps.keepChunks?.(expiring)) === false) return 'stale';
  const starts = startsAfter(guard.metrics?.starts ?? new Map(), refresh, { startedAt, isFromNothing });
  const saved = guard.score?.score ?? null;
  const previous = saved !== null && wrongDate !== undefined ? withoutTheFuture(saved, now) : saved;
  const areLinesKept = refresh.days !== null && refresh.grants !== true; // from nothing: the lines, too
  const isSameFold = previous?.foldedBy === metrics.foldedBy;
  const granted =
    merged.length > 0
      ? await readGrantedTogether(deps.grants, [refresh.username, ...merged], date)
      : await readGranted(deps.grants, refresh.username, {
          date,
          previous: areLinesKept && isSameFold ? previous : null,
          isUnmoved: refresh.ledger === false && wrongDate === undefined && isWholeSave(guard),
        });
  const isNew = guard.metrics === null && guard.score === null;
  if (isNew && !isKnown(metrics) && granted.balance.seq === 0) return 'unknown';
  const decided = decideScore(
    refresh.username,
    { metrics, granted },
    { previous, ...shownAs(guard), date, now, rules },
  );
  const score = { ...decided, tiersReached: await withBadges(deps, decided) };
  const leaving = leavingWith(date, previous);
  const outcome = await deps.scores.save(guard, { metrics, foldedAt: isoOf(now), starts, score, leaving });
  if (outcome === 'saved') await grantTierBadges(deps, score);
  return outcome;
}

/** Whether the last save was completed. If not, the metrics cover changes that the score does not have yet. */
const isWholeSave = ({ metrics, score }: StoredUser): boolean => metrics?.revision === score?.metricsRevision;

/** How an account is shown, by its profile. */
export const shownAs = ({ isHidden, merged = [], mergedInto }: StoredUser) => ({
  isHidden,
  isMerged: mergedInto !== undefined,
  isTogether: merged.length > 0,
});

/** What an account that is shown as part of another one passes on to it: the request, and the points of its balance. */
async function passOn(deps: RefreshDeps, refresh: Refresh, guard: StoredUser): Promise<void> {
  const { mergedInto: into, mergedBefore: before } = guard;
  if (into !== undefined) {
    const { days, putOffs: _ours, ...rest } = refresh;
    await deps.requestRefreshes?.([{ ...rest, username: into, ...(days === null ? {} : { days: [...days] }) }]);
    await deps.moveTotals?.(refresh.username, { into });
  } else if (before !== undefined) await deps.moveTotals?.(refresh.username, { before });
}

/** Notes which badges are in the ledger by now, so that later refreshes need not look. */
async function withBadges(
  { grants }: RefreshDeps,
  { username, tiersReached }: UserScore,
): Promise<readonly TierReached[]> {
  return settleAll(tiersReached, 1, async (reached) => {
    if (reached.hasBadge) return reached;
    const badge = await grants.ledger.find(tierBadgeGrantId(reached.tier, username));
    return { ...reached, hasBadge: badge !== undefined };
  });
}

/** After the save, so that a tier that is not recorded has no badge. If this fails, the next refresh does it. */
async function grantTierBadges({ grants }: RefreshDeps, { username, tiersReached }: UserScore): Promise<void> {
  const missing = tiersReached.filter(({ hasBadge }) => !hasBadge);
  await grantPoints(
    grants,
    missing.map((reached) => tierBadge(reached, username)),
  );
}

/** The devices of an account and of those merged into it, each once; it owns a device that one of them owns. */
export async function linksOfAll(
  telemetry: Pick<UserTelemetry, 'linksOf'>,
  accounts: readonly AccountId[],
): Promise<readonly DeviceLink[]> {
  const found = await settleAll(accounts, accounts.length, (account) => telemetry.linksOf(account));
  const owned = new Map<string, boolean>();
  for (const link of found.flat()) owned.set(link.deviceId, link.owned || owned.get(link.deviceId) === true);
  return found.length === 1 ? found.flat() : [...owned].map(([deviceId, isOwned]) => ({ deviceId, owned: isOwned }));
}

/** The user's metrics on the date: the guard's, carried on by what changed, or folded from nothing. */
export async function foldMetrics(
  { telemetry, registry, sha256, rules = rulebook }: Pick<RefreshDeps, 'telemetry' | 'registry' | 'sha256' | 'rules'>,
  { username, days, reports: areReportsChanged, registry: isRegistryChanged }: Refresh,
  guard: StoredUser,
  { date, links }: { readonly date: UtcDate; readonly links: readonly DeviceLink[] },
): Promise<{
  readonly metrics: UserMetrics;
  readonly isFromNothing: boolean;
  readonly expiring: readonly ChunkPlace[];
}> {
  const { merged = [] } = guard;
  const named = namedCommandsOf(rules.inForce);
  const foldedBy = foldedByOf(rules.inForce, sha256);
  const inputsHash = sha256(foldInputsOf(links, foldedBy, merged)).slice(0, 32);
  const stored = guard.metrics?.metrics ?? null;
  const isOfWrongClock = stored !== null && stored.sealedThrough > addDays(date, -SEALED_AT_AGE);
  const isSameFold = stored !== null && days !== null && stored.foldedBy === foldedBy && !isOfWrongClock;
  const areCounted = isSameFold && areReportsChanged !== true;
  const counted = areCounted ? stored.reports : await telemetry.reportsOf(username, merged);
  // Devices that came or went change which pulls are the user's own.
  const isOfSameDevices = isSameFold && stored.inputsHash === inputsHash;
  const areCapsTheSame = stored?.activity.rulesVersion === rules.inForce.version;
  const isCarriedOn = isOfSameDevices && areCapsTheSame && isRegistryChanged !== true;
  const before = stored === null ? null : { counts: stored.registry, isOfSameDevices };
  const held = isCarriedOn
    ? stored.registry
    : await countRegistry(registry, username, {
        ...{ merged, links, before },
        since: firstDateKnown(date),
        rules: rules.inForce,
      });
  const isAlone = merged.length === 0;
  const context = { inputsHash, foldedBy, links, isAlone, date, rules, reports: counted, registry: held };
  const plan = planRefresh(stored, { inputsHash, foldedBy, days, date });
  if (stored !== null && plan.kind === 'days') {
    const folded = await foldDays(telemetry, username, links, plan.days, named, merged);
    const carriedOn = metricsCarriedOn(stored, plan.days, folded, context);
    if (carriedOn !== null) return { metrics: carriedOn, isFromNothing: false, expiring: folded.expiring };
  }
  const everything = await foldDays(telemetry, username, links, null, named, merged);
  return { metrics: metricsFromNothing(everything, context), isFromNothing: true, expiring: everything.expiring };
}

/**
 * One refresh for all of one user's messages: it covers the days of all of them, or every day if a message names none.
 */
export function coalesce(messages: readonly [ScoreRefreshRequested, ...ScoreRefreshRequested[]]): Refresh {
  const days = messages.flatMap((message) => message.days ?? []);
  const namesDays = messages.every((message) => message.days !== undefined);
  const changes = messages.flatMap(({ changedBefore }) => changedBefore ?? []).sort();
  const [last] = changes.slice(-1);
  const [first] = messages.flatMap(({ changedAt }) => changedAt ?? []).sort();
  const putOffs = Math.max(...messages.map((message) => message.putOffs ?? 0));
  return {
    username: messages[0].username,
    days: namesDays ? [...new Set(days)].sort() : null,
    reports: messages.some(({ reports }) => reports === true),
    ...(messages.some(({ grants }) => grants === true) ? { grants: true } : {}),
    registry: messages.some(({ registry }) => registry === true),
    ...(messages.every(({ ledger }) => ledger === false) ? { ledger: false } : {}),
    ...(first !== undefined ? { changedAt: first } : {}),
    ...(last !== undefined && changes.length === messages.length ? { changedBefore: last } : {}),
    ...(putOffs > 0 ? { putOffs } : {}),
  };
}
