import { grantOf } from '../grants/grant.ts';
import { grantPoints, type GrantDeps } from '../grants/grant-points.ts';
import type { AccountId } from '../identity/account.ts';
import type { AccountNames } from '../identity/account-names.ts';
import type { Username } from '../identity/username.ts';
import { devicePuller, recordPull, userPuller } from '../registry/record-pull.ts';
import type { Pulls } from '../registry/registry.port.ts';
import type { ScoreRefreshRequested } from '../messages/score-refresh.message.ts';
import { settleAll } from '../shared/settle-all.ts';
import { dateOf, isoOf } from '../shared/utc.ts';
import type { StoreOutcome } from './device-hour-set.ts';
import { deviceIdOf } from './device-id.ts';
import { firstIdOf, type FirstNames } from './first-names.ts';
import type { TrustedRecord } from './telemetry-event.ts';
import type { FactReport, GrantReport, VersionReport } from './trusted-event.ts';
import type { RecordOutcome, TrustedFacts } from './trusted-facts.port.ts';
import { MAX_PULL_ROWS, type OverBudget } from './write-budget.ts';

export type RecordTrustedDeps = {
  readonly trustedFacts: TrustedFacts;
  readonly firstNames: Pick<FirstNames, 'find'>;
  readonly pulls: Pulls;
  readonly names: Pick<AccountNames, 'accountsOf' | 'namesOf'>;
  readonly requestRefreshes: (requests: readonly ScoreRefreshRequested[]) => Promise<void>;
  readonly grants: GrantDeps;
};

/** The account that a report is about: of the name in it, or the holder of the key. */
export type AccountOf = (username: Username | null) => AccountId;

export type FactRecord = TrustedRecord & { readonly report: FactReport };
export type GrantRecord = TrustedRecord & { readonly report: GrantReport };
export type VersionRecord = TrustedRecord & { readonly report: VersionReport };

/** Stored, a repeat, or refused: another grant has its id, or no such version was published. */
export type TrustedOutcome = StoreOutcome | TrustedConflict;
export type TrustedConflict = {
  readonly code:
    GrantConflictCode | 'unknown_extension' | 'unknown_collective' | ConfirmRefusalCode | OverBudget['code'];
  readonly error: string;
};
export type GrantConflictCode = `${string}_conflict`;
type ConfirmRefusalCode = 'version_conflict' | 'not_owner';

/** Whether a record becomes a line of the ledger; any other becomes a fact of the telemetry. */
export function isGrantRecord(record: TrustedRecord): record is GrantRecord {
  return ['award', 'badge', 'line'].includes(record.report.kind);
}

/** `feed_post_conflict` of `feed-post:p1`. */
const conflictCodeOf = (grantId: string): GrantConflictCode =>
  `${grantId.split(':', 1).join('').replaceAll('-', '_')}_conflict`;

export const isVersionRecord = (record: TrustedRecord): record is VersionRecord => record.report.kind === 'version';

export const isFactRecord = (record: TrustedRecord): record is FactRecord =>
  !isGrantRecord(record) && !isVersionRecord(record);

/** The identity of a reported fact: two records with one identity are one fact. */
export function identityOf(record: FactRecord): string {
  const { report, at } = record;
  switch (report.kind) {
    case 'reported':
      return `reported:${report.event}:${report.username ?? ''}:${report.id ?? dateOf(at)}`;
    case 'extension-published':
      return `published:${report.username}:${report.extension}@${report.version}`;
    case 'extension-pulled':
      return `pulled:${report.name}@${report.version}:${pullerOf(record.distinctId, report.username)}`;
  }
}

/** The puller as it was sent: the account if the event names one, otherwise the device. */
const pullerOf = (distinctId: string, puller: string | undefined): string =>
  puller === undefined ? devicePuller(deviceIdOf(distinctId)) : userPuller(puller);

/** For each pull the accounts it counts for, or the reason of its refusal. */
export type JudgedPulls = ReadonlyMap<FactRecord, readonly AccountId[] | TrustedConflict>;

/**
 * Judges a request's pulls in the order sent, before anything is written. Each version is looked up once, and repeats
 * cost nothing.
 */
export async function judgePulls(
  pulls: Pick<Pulls, 'findVersion'>,
  records: readonly FactRecord[],
): Promise<JudgedPulls> {
  const sent = records.flatMap((record) =>
    record.report.kind === 'extension-pulled' ? [{ record, of: record.report }] : [],
  );
  const keyOf = ({ name, version }: { readonly name: string; readonly version: string }) => `${name}@${version}`;
  const versions = [...new Map(sent.map(({ of }) => [keyOf(of), of])).values()];
  const looked = await settleAll(versions, versions.length, async (of) => {
    return [keyOf(of), await pulls.findVersion(of.name, of.version)] as const;
  });
  const found = new Map(looked);
  const isPaid = new Set<string>();
  let rows = 0;
  return new Map(
    sent.map(({ record, of }): readonly [FactRecord, readonly AccountId[] | TrustedConflict] => {
      const credited = found.get(keyOf(of))?.credited;
      if (credited === undefined) {
        const error = `properties: nobody has published ${keyOf(of)}`;
        return [record, { code: 'unknown_extension', error }];
      }
      const identity = identityOf(record);
      if (isPaid.has(identity)) return [record, credited];
      if (rows + credited.length > MAX_PULL_ROWS) {
        const what = `properties: the pulls of one request count for at most ${MAX_PULL_ROWS} members of collectives`;
        return [record, { code: 'too_many_devices', error: `${what}; send it in another request` }];
      }
      isPaid.add(identity);
      rows += credited.length;
      return [record, credited];
    }),
  );
}

/** Stores a reported fact once. */
export async function recordTrustedEvent(
  deps: RecordTrustedDeps,
  record: FactRecord,
  { judged, accountOf }: { readonly judged: JudgedPulls; readonly accountOf: AccountOf },
): Promise<TrustedOutcome> {
  const { report, at, distinctId } = record;
  switch (report.kind) {
    case 'reported':
      return recordReport(deps, report, { at, accountOf });
    case 'extension-pulled': {
      const { name, version } = report;
      const pull = judged.get(record);
      if (pull === undefined) throw new Error('a pull was not judged');
      if ('code' in pull) return pull;
      const puller = pullerOf(distinctId, report.username && accountOf(report.username));
      return outcomeOf(await recordPull(deps.pulls, { name, version, puller }, pull, at));
    }
    case 'extension-published':
      return 'accepted'; // a trigger, no fact: see `refreshPublishers`
  }
}

/** Stores a fact of a kind that the rules name, once. It is a repeat, too, if `before` has it: an account of the same person. */
export async function recordReport(
  { trustedFacts, firstNames }: Pick<RecordTrustedDeps, 'trustedFacts' | 'firstNames'>,
  { username, event, id }: FactReport & { readonly kind: 'reported' },
  { at, accountOf, before }: { readonly at: number; readonly accountOf: AccountOf; readonly before?: AccountId },
): Promise<StoreOutcome> {
  const identity = id === null ? dateOf(at) : await firstIdOf(firstNames, id);
  if (before !== undefined && (await trustedFacts.isThere(before, event, identity))) return 'duplicate';
  return outcomeOf(await trustedFacts.record(accountOf(username), event, identity, at));
}

/**
 * Asks for the refreshes that `extension_published` triggers, one for each account. The registry's confirmation is what
 * records a version. So this is the one refresh that no changed fact asks for.
 */
export async function refreshPublishers(
  { requestRefreshes }: Pick<RecordTrustedDeps, 'requestRefreshes'>,
  records: readonly FactRecord[],
  { now, accountOf }: { readonly now: number; readonly accountOf: AccountOf },
): Promise<void> {
  const usernames = new Set(
    records.flatMap(({ report }) => (report.kind === 'extension-published' ? [accountOf(report.username)] : [])),
  );
  if (usernames.size === 0) return;
  await requestRefreshes([...usernames].map((account) => ({ username: account, changedAt: isoOf(now) })));
}

const outcomeOf = (outcome: RecordOutcome): StoreOutcome => (outcome === 'recorded' ? 'accepted' : 'duplicate');

/**
 * Gives what trusted events award, each once: the same way into the ledger as the routes of awards and badges. Outcomes
 * come in the order of the records.
 */
export async function recordGrants(
  { grants, firstNames, names }: Pick<RecordTrustedDeps, 'grants' | 'firstNames' | 'names'>,
  records: readonly Pick<GrantRecord, 'report' | 'at'>[],
  { grantedBy, accountOf }: { readonly grantedBy: string; readonly accountOf: AccountOf },
): Promise<readonly TrustedOutcome[]> {
  const requests = await settleAll(records, 1, async ({ report, at }) => {
    const account = accountOf(report.username);
    const by = report.kind === 'award' ? (report.grantedBy ?? grantedBy) : grantedBy;
    const order = report.kind === 'line' ? { ...report, id: await firstIdOf(firstNames, report.id) } : report;
    return grantOf({ ...order, username: account, grantedBy: by }, isoOf(at), grants.rules);
  });
  const outcomes = await grantPoints(grants, requests);
  const involved = outcomes.flatMap(({ kind, line }, index) =>
    kind === 'conflict' ? [line.username, ...requests.slice(index, index + 1).map(({ username }) => username)] : [],
  );
  const nameOf = await names.namesOf(involved);
  return outcomes.map(({ kind, line }, index) => {
    switch (kind) {
      case 'granted':
        return 'accepted';
      case 'duplicate':
        return 'duplicate';
      case 'conflict': {
        const asked = requests[index]?.username ?? line.username;
        // A thing that was reported before its login was linked: the same person's.
        const isOwn =
          records[index]?.report.kind === 'line' && asked !== line.username && nameOf(asked) === nameOf(line.username);
        if (isOwn) return 'duplicate';
        return {
          code: conflictCodeOf(line.grantId),
          error: `${line.grantId}: already given to ${nameOf(line.username)} with ${line.amount} points`,
        };
      }
    }
  });
}
