import * as z from 'zod/mini';
import { linesUpTo, type LinesDeps } from '../grants/read-lines.ts';
import { emptyReport, withUnreadable, withUser, type ShadowReport, type ShadowUser } from '../grants/shadow-report.ts';
import { publishOf, type GrantLine } from '../grants/grant.ts';
import type { AccountId } from '../identity/account.ts';
import { ExtensionName, ExtensionVersion } from '../registry/extension.ts';
import type { Registry } from '../registry/registry.port.ts';
import { check, sentenceOf, withoutNulls } from '../shared/faults.ts';
import { settleAll } from '../shared/settle-all.ts';
import type { ScoreStore } from '../scoring/score-store.port.ts';
import { err, ok, type Result } from '../shared/result.ts';
import type { Clock } from '../shared/environment.ts';
import type { UserPlace } from './user-places.port.ts';
import { walkUsers } from './walk-users.ts';

export type ShadowDeps = LinesDeps & {
  readonly scores: Pick<ScoreStore, 'load'>;
  readonly registry: Pick<Registry, 'findVersion'>;
  /** First the accounts with a score, then those with a balance. Each place names an account once. */
  readonly places: readonly UserPlace[];
  readonly clock: Clock;
};

const PARALLEL_READS = 8;

/** `{"from"?}`: the `next` of an earlier report. */
const ShadowEvent = z.strictObject({ from: z.optional(z.string('expected the next of an earlier answer')) });

/**
 * Compares what the scores count with what the ledger holds, for all users. It ends when the invocation's time is up,
 * and another invocation continues from its `next`. It reads a page of users at a time, each as stored at that moment.
 * It names a user whose data cannot be read, and continues. The failure is a sentence about the event.
 */
export async function reportShadow(
  deps: ShadowDeps,
  event: unknown,
  mayBegin: () => boolean,
): Promise<Result<ShadowReport, string>> {
  const asked = check(ShadowEvent, withoutNulls(event), 'event');
  if (!asked.ok) return err(sentenceOf(asked.error));
  const walk = walkUsers(deps.places, { sample: 'all', from: asked.value.from ?? null }, deps.clock());
  if (!walk.ok) return walk;
  let report = emptyReport;
  for await (const { usernames, isOfScores, next } of walk.value) {
    const users = await settleAll(usernames, PARALLEL_READS, (account) => readUser(deps, account, isOfScores));
    for (const user of users) {
      if (user === null) continue;
      report = 'error' in user ? withUnreadable(report, user.username, user.error) : withUser(report, user);
    }
    if (next !== null && !mayBegin()) return ok({ ...report, next });
  }
  return ok(report);
}

type UserRead = ShadowUser | { readonly username: AccountId; readonly error: string };

/**
 * Null for an account that the other pass reads, for an erased one, and for one that is shown as part of another
 * account, because its points count there.
 */
async function readUser(deps: ShadowDeps, account: AccountId, isScored: boolean): Promise<UserRead | null> {
  const stored = await readable(() => deps.scores.load(account));
  if ('error' in stored)
    return isScored ? { username: account, error: `the score cannot be read: ${stored.error}` } : null;
  if (stored.value.mergedInto !== undefined || stored.value.erasedAt !== undefined) return null;
  const score = stored.value.score?.score ?? null;
  if ((score !== null) !== isScored) return null;
  const ledger = await readable(() => linesUpTo(deps, account));
  if ('error' in ledger) return { username: account, error: `the balance cannot be read: ${ledger.error}` };
  const { lines, faults } = ledger.value;
  const unread = faults.find(({ code }) => code === 'unreadable_line');
  if (unread !== undefined) return { username: account, error: unread.error };
  return { username: account, score, lines, yankedPoints: await yankedPointsOf(deps, lines) };
}

/**
 * An error of a schema. It is recognized by its form, because an import of its class would put all of zod into the
 * bundle.
 */
const Misfit = z.object({ issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])) })) });

/** A stored value of an invalid form is a finding. A store that does not answer is not a finding. */
async function readable<Value>(
  read: () => Promise<Value>,
): Promise<{ readonly value: Value } | { readonly error: string }> {
  try {
    return { value: await read() };
  } catch (error) {
    const misfit = Misfit.safeParse(error);
    if (!misfit.success) throw error;
    return { error: [...new Set(misfit.data.issues.map(({ path }) => path.join('.')))].join(', ') };
  }
}

/** Grants for versions have points for at most ten versions of a user, so this reads no more. */
async function yankedPointsOf({ registry }: ShadowDeps, lines: readonly GrantLine[]): Promise<number> {
  let points = 0;
  for (const { grantId, amount } of lines) {
    const publish = amount > 0 ? publishOf(grantId) : undefined;
    if (publish === undefined) continue;
    const name = ExtensionName.parse(publish.name);
    const found = await registry.findVersion(name, ExtensionVersion.parse(publish.version));
    if (found?.yank !== undefined) points += amount;
  }
  return points;
}
