import * as z from 'zod/mini';
import type { GrantDeps } from '../grants/grant-points.ts';
import type { AccountId } from '../identity/account.ts';
import { unlinkedName } from '../identity/link-login.ts';
import type { Logins, Place } from '../identity/logins.port.ts';
import type { AccountNames } from '../identity/account-names.ts';
import type { HookRules } from '../rules/hook-rules.ts';
import type { ReportedKind } from '../rules/reported-kinds.ts';
import { sentenceOf } from '../shared/faults.ts';
import { recordGrants, recordReport, type AccountOf, type TrustedOutcome } from '../telemetry/record-trusted-event.ts';
import { readReported, type TrustedReport } from '../telemetry/trusted-event.ts';
import type { TrustedFacts } from '../telemetry/trusted-facts.port.ts';
import type { Deed } from './deed.ts';
import { readDiscourse } from './discourse-event.ts';
import { readGithub } from './github-event.ts';
import { firstNameOf, identityOfThing, keepMove, type NameDeps } from './repository-names.ts';

export const HookReport = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  ignored: z.int(),
  /** Why it was ignored. */
  reason: z.optional(z.string()),
});
export type HookReport = z.infer<typeof HookReport>;

export type HookDeps = NameDeps & {
  readonly hooks: HookRules;
  readonly kinds: ReadonlyMap<string, ReportedKind>;
  readonly logins: Pick<Logins, 'find'>;
  readonly trustedFacts: TrustedFacts;
  readonly grants: GrantDeps;
  readonly names: Pick<AccountNames, 'accountsOf' | 'namesOf'>;
};

/** A hook whose signature was checked. `event` is the name that its header gives it. */
export type Hook = { readonly source: string; readonly event: string; readonly body: unknown };

const NOTHING = { accepted: 0, duplicates: 0, ignored: 0 };
const ignore = (reason: string): HookReport => ({ ...NOTHING, ignored: 1, reason });

/** Stores what a hook of GitHub reports, once: whatever delivery it comes by, and whatever its repository is called now. */
export async function takeGithubHook(deps: HookDeps, hook: Hook): Promise<HookReport> {
  const { deed, renamed, moved } = readGithub(hook.event, hook.body);
  if (renamed !== undefined) await firstNameOf(deps, renamed);
  if (moved !== undefined) await keepMove(deps, moved);
  if (!deed.ok) return ignore(deed.error.reason);
  const { thing, identity } = deed.value;
  return record(deps, 'github', hook.source, deps.hooks.github?.[thing], deed.value, () =>
    identityOfThing(deps, identity),
  );
}

/** Stores what a hook of Discourse reports, once. */
export async function takeDiscourseHook(deps: HookDeps, hook: Hook): Promise<HookReport> {
  const deed = readDiscourse(hook.event, hook.body);
  if (!deed.ok) return ignore(deed.error.reason);
  const { thing, identity } = deed.value;
  return record(deps, 'discourse', hook.source, deps.hooks.discourse?.[thing], deed.value, async () => identity);
}

async function record(
  deps: HookDeps,
  place: Place,
  source: string,
  event: string | undefined,
  { thing, author, at: said }: Deed<string, unknown>,
  identity: () => Promise<string | null>,
): Promise<HookReport> {
  const kind = event === undefined ? undefined : deps.kinds.get(event);
  if (kind === undefined) return ignore(`hooks.${place} of community.json has no event for ${thing}`);
  const now = deps.clock();
  const at = said === undefined ? now : Math.min(now, Date.parse(said)); // clocks differ, and it has happened
  const id = kind.idProperty === null ? {} : { [kind.idProperty]: await identity() };
  const username = unlinkedName({ place, ...author });
  const report = readReported(kind, { ...id, username }, null);
  if (!report.ok) return ignore(sentenceOf(report.error));

  const linked = await deps.logins.find({ place, id: author.id });
  const unlinked = linked === undefined ? username : unlinkedName({ place, id: author.id, login: linked.login });
  const own = (await deps.names.accountsOf([unlinked]))(unlinked);
  const account = linked?.account ?? own;
  const given = {
    ...{ at, accountOf: () => account, grantedBy: `${place} hook ${source}` },
    ...(account === own ? {} : { before: own }), // what was reported before the link is there
  };
  return reportOf(await store(deps, report.value, given));
}

/** The same way as the reports of a server. */
async function store(
  deps: HookDeps,
  report: TrustedReport,
  {
    at,
    ...given
  }: {
    readonly at: number;
    readonly accountOf: AccountOf;
    readonly before?: AccountId;
    readonly grantedBy: string;
  },
): Promise<TrustedOutcome | undefined> {
  switch (report.kind) {
    case 'reported':
      return recordReport(deps, report, { at, ...given });
    case 'line':
      return (await recordGrants(deps, [{ report, at }], given))[0];
    case 'award':
    case 'badge':
    case 'extension-published':
    case 'extension-pulled':
    case 'version':
      throw new Error(`a hook became a report of ${report.kind}`);
  }
}

function reportOf(outcome: TrustedOutcome | undefined): HookReport {
  switch (outcome) {
    case 'accepted':
      return { ...NOTHING, accepted: 1 };
    case 'duplicate':
      return { ...NOTHING, duplicates: 1 };
    case undefined:
      throw new Error('a hook has no outcome');
    default:
      return ignore(outcome.error);
  }
}
