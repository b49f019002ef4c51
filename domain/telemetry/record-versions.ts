import type { AccountId } from '../identity/account.ts';
import { namedPublisher, type Publisher } from '../registry/extension.ts';
import { confirmPublish, type ConfirmDeps, type ConfirmRefusal } from '../registry/confirm-publish.ts';
import type { Collectives } from '../identity/collective.ts';
import { settleAll } from '../shared/settle-all.ts';
import { isoOf } from '../shared/utc.ts';
import type { RecordTrustedDeps, TrustedOutcome, VersionRecord } from './record-trusted-event.ts';
import { MAX_VERSIONS, spendVersions, tooManyVersions } from './write-budget.ts';

export type VersionDeps = ConfirmDeps &
  Pick<RecordTrustedDeps, 'names'> & { readonly collectives: Pick<Collectives, 'find' | 'membersAt'> };

type Outcome = readonly [VersionRecord, TrustedOutcome];

const PUBLISHERS_AT_A_TIME = 4;

/** Records the versions of an import, each once and with its own time, for those whom it counted for at that time. */
export async function recordVersions(
  deps: VersionDeps,
  records: readonly VersionRecord[],
): Promise<readonly Outcome[]> {
  const overBudget = spendVersions();
  const within = records.slice(0, MAX_VERSIONS);
  const accountOf = await deps.names.accountsOf(
    within.flatMap(({ report: { publisher } }) => (publisher.kind === 'personal' ? [publisher.name] : [])),
  );
  const read = await settleAll(within, 1, async (record) => {
    const { publisher } = record.report;
    const members =
      publisher.kind === 'personal'
        ? [accountOf(publisher.name)]
        : await deps.collectives.membersAt(publisher.name, isoOf(record.at));
    return { record, members };
  });
  const judged = read.map(({ record, members }) => {
    const refusal: TrustedOutcome | undefined =
      members === undefined ? unknownCollective(record) : overBudget(members.length);
    return { record, members: members ?? [], refusal };
  });
  const beyond = records.slice(MAX_VERSIONS).map((record): Outcome => [record, tooManyVersions]);
  const refused = judged.flatMap(({ record, refusal }): Outcome[] =>
    refusal === undefined ? [] : [[record, refusal]],
  );
  // One publisher's versions one after the other: they move the same balances, and the first publish owns the name.
  const due = Map.groupBy(
    judged.filter(({ refusal }) => refusal === undefined),
    ({ record: { report } }) => `${report.publisher.kind} ${report.publisher.name}`,
  );
  const recorded = await settleAll([...due.values()], PUBLISHERS_AT_A_TIME, (ofOne) =>
    settleAll(ofOne, 1, async ({ record, members }): Promise<Outcome> => [
      record,
      await recordOne(deps, record, members),
    ]),
  );
  return [...beyond, ...refused, ...recorded.flat()];
}

async function recordOne(
  deps: VersionDeps,
  { report, at }: VersionRecord,
  members: readonly AccountId[],
): Promise<TrustedOutcome> {
  const { name, version, channel, contentHash } = report;
  const [account] = members;
  const publisher: Publisher =
    report.publisher.kind === 'personal' && account !== undefined
      ? { kind: 'personal', name: account }
      : { kind: 'collective', name: report.publisher.name };
  const past = { at: isoOf(at), members };
  const confirmed = await confirmPublish(deps, {
    ...{ name, version, channel, contentHash, publisher, past },
    keyMembers: [],
  });
  if (!confirmed.ok) {
    const other = 'first' in confirmed.error ? confirmed.error.first.publisher : confirmed.error.owner;
    const nameOf = await deps.names.namesOf(other.kind === 'personal' ? [other.name] : []);
    return refusalOf(confirmed.error, `${name}@${version}`, namedPublisher(other, nameOf).name);
  }
  return confirmed.value.kind === 'published' ? 'accepted' : 'duplicate';
}

const unknownCollective = ({ report: { publisher } }: VersionRecord): TrustedOutcome => ({
  code: 'unknown_collective',
  error: `properties.collective: nobody has set the members of ${publisher.name}`,
});

function refusalOf(refusal: ConfirmRefusal, version: string, other: string): TrustedOutcome {
  switch (refusal.kind) {
    case 'version-conflict': {
      const { channel } = refusal.first;
      const error = `properties: ${version} is there already, by ${other} in the channel ${channel}`;
      return { code: 'version_conflict', error };
    }
    case 'not-owner':
      return { code: 'not_owner', error: `properties.extension_name: it belongs to ${other}` };
  }
}
