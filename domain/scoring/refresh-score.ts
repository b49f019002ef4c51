import type { Username } from '../identity/username.ts';
import type { Clock, Random, Sha256, Sleep } from '../shared/environment.ts';
import { dateOf, isoOf, type UtcDate } from '../shared/utc.ts';
import type { UserTelemetry } from '../telemetry/user-telemetry.port.ts';
import { namedCommandsOf } from './contributions.ts';
import { foldDays } from './facts.ts';
import { currentRules } from './rules/current-rules.ts';
import { decideScore } from './score.ts';
import type { ScoreRefreshRequested } from './score-refresh.message.ts';
import type { ScoreStore, StoredUser } from './score-store.port.ts';
import {
  basisOf,
  dateOfRefresh,
  isKnown,
  metricsCarriedOn,
  metricsFromNothing,
  planRefresh,
  sumOf,
  type UserMetrics,
} from './username-metrics.ts';

export type RefreshDependencies = {
  readonly telemetry: UserTelemetry;
  readonly scores: ScoreStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly sha256: Sha256;
};

/** What to recompute. `days` is null where everything is to be folded from nothing. */
export type Refresh = { readonly username: Username; readonly days: readonly UtcDate[] | null };

/** `unknown`: no device, no event and nothing stored, so nothing was saved. */
export type RefreshOutcome = 'saved' | 'unknown';

const MOST_ATTEMPTS = 8;
const FIRST_PAUSE_MS = 25;
const rules = currentRules;
const named = namedCommandsOf(rules);

/**
 * Folds a user's facts and saves metrics and score: guard, then facts, then save; from the start where another refresh
 * saved in between. Harmless at any time, any number of times.
 */
export async function refreshScore(deps: RefreshDependencies, refresh: Refresh): Promise<RefreshOutcome> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    if (attempt > 0) await deps.sleep(deps.random() * FIRST_PAUSE_MS * 2 ** attempt);
    const outcome = await refreshOnce(deps, refresh);
    if (outcome !== 'stale') return outcome;
  }
  throw new Error(`refresh of ${refresh.username}: other refreshes came first ${MOST_ATTEMPTS} times`);
}

async function refreshOnce(deps: RefreshDependencies, refresh: Refresh): Promise<RefreshOutcome | 'stale'> {
  const guard = await deps.scores.load(refresh.username);
  // Taken after the guard: a date from before it could be older than the one that another refresh has saved since.
  const now = deps.clock();
  const date = dateOfRefresh(dateOf(now), guard.metrics?.metrics ?? null, guard.score?.score.date ?? null);
  const metrics = await foldMetrics(deps, refresh, guard, date);
  if (guard.metrics === null && guard.score === null && !isKnown(metrics)) return 'unknown';
  const previous = guard.score?.score ?? null;
  const score = decideScore(refresh.username, { telemetry: sumOf(metrics, named) }, { previous, date, now, rules });
  return deps.scores.save(guard, { metrics, foldedAt: isoOf(now), score });
}

async function foldMetrics(
  { telemetry, sha256 }: RefreshDependencies,
  { username, days }: Refresh,
  guard: StoredUser,
  date: UtcDate,
): Promise<UserMetrics> {
  const links = await telemetry.linksOf(username);
  const basis = sha256(basisOf(links, named)).slice(0, 32);
  const context = { basis, links, date, named };
  const stored = guard.metrics?.metrics ?? null;
  const plan = planRefresh(stored, { basis, days, date });
  if (stored !== null && plan.kind === 'days') {
    const folded = await foldDays(telemetry, username, links, plan.days, named);
    const carriedOn = metricsCarriedOn(stored, plan.days, folded, context);
    if (carriedOn !== null) return carriedOn;
  }
  return metricsFromNothing(await foldDays(telemetry, username, links, null, named), context);
}

/** One refresh for each username of a batch, with the days of all its messages; all days where a message names none. */
export function coalesce(messages: readonly ScoreRefreshRequested[]): readonly Refresh[] {
  const daysOf = new Map<Username, readonly UtcDate[] | null>();
  for (const { username, days } of messages) {
    const before = daysOf.get(username);
    const names = before !== null && days !== undefined;
    daysOf.set(username, names ? [...new Set([...(before ?? []), ...days])].sort() : null);
  }
  return [...daysOf].map(([username, days]) => ({ username, days }));
}
