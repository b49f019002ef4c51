import { grantOf } from '../grants/grant.ts';
import { grantPoints, type GrantDeps } from '../grants/grant-points.ts';
import type { ResolveUsername } from '../identity/username.ts';
import { devicePuller, recordPull, userPuller } from '../registry/record-pull.ts';
import type { Pulls } from '../registry/registry.port.ts';
import type { ScoreRefreshRequested } from '../messages/score-refresh.message.ts';
import { settleAll } from '../shared/settle-all.ts';
import { dateOf, isoOf } from '../shared/utc.ts';
import type { StoreOutcome } from './device-hour-set.ts';
import { deviceIdOf } from './device-id.ts';
import type { TrustedRecord } from './telemetry-event.ts';
import type { FactReport, GrantReport } from './trusted-event.ts';
import type { RecordOutcome, TrustedFacts } from './trusted-facts.port.ts';

export type RecordTrustedDeps = {
  readonly trustedFacts: TrustedFacts;
  readonly pulls: Pulls;
  readonly resolveUsername: ResolveUsername;
  readonly requestRefreshes: (requests: readonly ScoreRefreshRequested[]) => Promise<void>;
  readonly grants: GrantDeps;
};

export type FactRecord = TrustedRecord & { readonly report: FactReport };
export type GrantRecord = TrustedRecord & { readonly report: GrantReport };

/** Stored, a repeat, or refused for what is stored: another grant has its id, or no such version was published. */
export type TrustedOutcome = StoreOutcome | TrustedConflict;
export type TrustedConflict = { readonly code: GrantConflictCode | 'unknown_extension'; readonly error: string };
export type GrantConflictCode = 'award_conflict' | 'badge_conflict' | 'feed_post_conflict';

const CONFLICT_CODE = {
  award: 'award_conflict',
  badge: 'badge_conflict',
  'feed-post': 'feed_post_conflict',
} as const;

/** Whether a record becomes a line of the ledger; any other becomes a fact of the telemetry. */
export function isGrantRecord(record: TrustedRecord): record is GrantRecord {
  return Object.hasOwn(CONFLICT_CODE, record.report.kind);
}
export const isFactRecord = (record: TrustedRecord): record is FactRecord => !isGrantRecord(record);

/** The identity of what a trusted event reports: two records of one identity are one fact. */
export function identityOf(record: FactRecord): string {
  const { report, at } = record;
  switch (report.kind) {
    case 'issue-created':
      return `issue:${report.username}:${report.issueId}`;
    case 'signed-in':
      return `sign-in:${report.username}:${dateOf(at)}`;
    case 'extension-published':
      return `published:${report.username}:${report.extension}@${report.version}`;
    case 'extension-pulled':
      return `pulled:${report.name}@${report.version}:${pullerOf(record)}`;
  }
}

/** Who pulled, as it was sent: the user where the event names one, else the device. */
const pullerOf = ({ report, distinctId }: FactRecord): string =>
  report.username === undefined ? devicePuller(deviceIdOf(distinctId)) : userPuller(report.username);

/** Stores what a trusted event reports, once. */
export async function recordTrustedEvent(deps: RecordTrustedDeps, record: FactRecord): Promise<TrustedOutcome> {
  const { report, at } = record;
  switch (report.kind) {
    case 'issue-created': {
      const username = await deps.resolveUsername(report.username);
      return outcomeOf(await deps.trustedFacts.recordIssue(username, report.issueId, at));
    }
    case 'signed-in': {
      const username = await deps.resolveUsername(report.username);
      return outcomeOf(await deps.trustedFacts.recordSignIn(username, dateOf(at), at));
    }
    case 'extension-pulled': {
      const { name, version } = report;
      const recorded = await recordPull(deps.pulls, { name, version, puller: pullerOf(record) }, at);
      if (recorded.ok) return outcomeOf(recorded.value);
      return { code: 'unknown_extension', error: `properties: nobody has published ${name}@${version}` };
    }
    case 'extension-published': {
      const username = await deps.resolveUsername(report.username);
      // A trigger, no fact: the registry's confirmation is what records a version. Hence the one refresh that is
      // asked for here and not by a changed fact.
      await deps.requestRefreshes([{ username, changedAt: isoOf(at) }]);
      return 'accepted';
    }
  }
}

const outcomeOf = (outcome: RecordOutcome): StoreOutcome => (outcome === 'recorded' ? 'accepted' : 'duplicate');

/**
 * Gives what trusted events award, each once: the same way into the ledger as the routes of awards and badges. Outcomes
 * come in the order of the records.
 */
export async function recordGrants(
  { grants, resolveUsername }: RecordTrustedDeps,
  records: readonly GrantRecord[],
  grantedBy: string,
): Promise<readonly TrustedOutcome[]> {
  const requests = await settleAll(records, 1, async ({ report, at }) => {
    const username = await resolveUsername(report.username);
    const by = report.kind === 'award' ? (report.grantedBy ?? grantedBy) : grantedBy;
    return grantOf({ ...report, username, grantedBy: by }, isoOf(at), grants.rules);
  });
  const outcomes = await grantPoints(grants, requests);
  return outcomes.map(({ kind, line }, index) => {
    switch (kind) {
      case 'granted':
        return 'accepted';
      case 'duplicate':
        return 'duplicate';
      case 'conflict': {
        const code = CONFLICT_CODE[records[index]?.report.kind ?? 'award'];
        return { code, error: `${line.grantId}: already given to ${line.username} with ${line.amount} points` };
      }
    }
  });
}
