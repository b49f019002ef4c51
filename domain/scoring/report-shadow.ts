import { linesUpTo, type LinesDeps } from '../grants/read-lines.ts';
import { emptyReport, withUser, type ShadowReport, type ShadowUser } from '../grants/shadow-report.ts';
import { publishOf, type GrantLine } from '../grants/grant.ts';
import type { Username } from '../identity/username.ts';
import { ExtensionName, ExtensionVersion } from '../registry/extension.ts';
import type { Registry } from '../registry/registry.port.ts';
import { settleAll } from '../shared/settle-all.ts';
import type { ScoreStore } from './score-store.port.ts';

export type ShadowDeps = LinesDeps & {
  readonly scores: Pick<ScoreStore, 'load'>;
  readonly registry: Pick<Registry, 'findVersion'>;
  /** Everybody who has a score, in pages. */
  readonly scored: () => AsyncIterable<readonly Username[]>;
  /** Everybody who has a balance, in pages. */
  readonly granted: () => AsyncIterable<readonly Username[]>;
};

const PARALLEL_READS = 8;

/**
 * Compares what the scores count with what the ledger holds, over all users. It reads a page of users at a time; what
 * changes meanwhile is found as it is then.
 */
export async function reportShadow(deps: ShadowDeps): Promise<ShadowReport> {
  let report = emptyReport;
  const add = async (usernames: readonly Username[], isDue: (user: ShadowUser) => boolean) => {
    const users = await settleAll(usernames, PARALLEL_READS, (username) => readUser(deps, username));
    for (const user of users) if (isDue(user)) report = withUser(report, user);
  };
  for await (const page of deps.scored()) await add(page, ({ score }) => score !== null);
  for await (const page of deps.granted()) await add(page, ({ score }) => score === null);
  return report;
}

async function readUser(deps: ShadowDeps, username: Username): Promise<ShadowUser> {
  const { score } = await deps.scores.load(username);
  const { lines } = await linesUpTo(deps, username);
  return { username, score: score?.score ?? null, lines, yankedPoints: await yankedPointsOf(deps, lines) };
}

/** The grants of at most ten versions of a user have points, so this reads no more. */
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
