import type { ResolveUsername } from '../identity/username.ts';
import type { ScoreRefreshRequested } from '../scoring/score-refresh.message.ts';
import { dateOf, isoOf } from '../shared/utc.ts';
import type { StoreOutcome } from './device-hour-set.ts';
import type { TrustedRecord } from './telemetry-event.ts';
import type { RecordOutcome, TrustedFacts } from './trusted-facts.port.ts';

export type RecordTrustedDeps = {
  readonly trustedFacts: TrustedFacts;
  readonly resolveUsername: ResolveUsername;
  readonly requestRefreshes: (requests: readonly ScoreRefreshRequested[]) => Promise<void>;
};

/** The identity of what a trusted event reports: two records of one identity are one fact. */
export function identityOf({ report, at }: TrustedRecord): string {
  switch (report.kind) {
    case 'issue-created':
      return `issue:${report.username}:${report.issueId}`;
    case 'signed-in':
      return `sign-in:${report.username}:${dateOf(at)}`;
    case 'extension-published':
      return `published:${report.username}:${report.extension}@${report.version}`;
  }
}

/** Stores what a trusted event reports, once. */
export async function recordTrustedEvent(
  deps: RecordTrustedDeps,
  { report, at }: TrustedRecord,
): Promise<StoreOutcome> {
  const username = await deps.resolveUsername(report.username);
  switch (report.kind) {
    case 'issue-created':
      return outcomeOf(await deps.trustedFacts.recordIssue(username, report.issueId, at));
    case 'signed-in':
      return outcomeOf(await deps.trustedFacts.recordSignIn(username, dateOf(at), at));
    case 'extension-published':
      // A trigger, no fact: the registry's confirmation is what records a version. Hence the one refresh that is
      // asked for here and not by a changed fact.
      await deps.requestRefreshes([{ username, changedAt: isoOf(at) }]);
      return 'accepted';
  }
}

const outcomeOf = (outcome: RecordOutcome): StoreOutcome => (outcome === 'recorded' ? 'accepted' : 'duplicate');
