import { decideGrants } from '../grants/decide-grants.ts';
import { publishGrantId } from '../grants/grant.ts';
import type { GrantAppend, GrantsTogether } from '../grants/grant-ledger.port.ts';
import { publishGrantOf } from './publish-grant.ts';
import type { AccountId } from '../identity/account.ts';
import type { ScoringRules } from '../rules/scoring-rules.ts';
import type { Clock, Random, RandomToken, Sha256OfBytes, Sleep } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { isoOf } from '../shared/utc.ts';
import type { AccountNames } from '../identity/account-names.ts';
import { membersNow, type Collectives } from '../identity/collective.ts';
import {
  isSamePublish,
  type Channel,
  type ExtensionName,
  type ExtensionVersion,
  type PublishedVersion,
  type Publisher,
} from './extension.ts';
import { areOne } from './maintainer.ts';
import type { Registry } from './registry.port.ts';
import { untilSaved, withinRequest } from '../shared/until-saved.ts';

export type ConfirmDeps = {
  readonly registry: Pick<Registry, 'findExtension' | 'findVersion' | 'publish'>;
  readonly collectives: Pick<Collectives, 'find'>;
  readonly names: Pick<AccountNames, 'answering'>;
  readonly ledger: GrantsTogether;
  readonly rules: Pick<ScoringRules, 'version' | 'publishes'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly randomToken: RandomToken;
  readonly sha256: Sha256OfBytes;
  readonly sleep: Sleep;
};

/** The version that a publisher confirms. */
export type Confirmation = {
  readonly name: ExtensionName;
  readonly version: ExtensionVersion;
  readonly channel: Channel;
  readonly contentHash?: string | undefined;
  readonly publisher: Publisher;
  /** The members that a collective's key was made with. They count until somebody sets others. */
  readonly keyMembers: readonly AccountId[];
  /** What an import knows of a version of the past. */
  readonly past?: {
    /** When it was published, ISO 8601. */
    readonly at: string;
    /** The members of a collective at that time. */
    readonly members: readonly AccountId[];
  };
};

export type ConfirmOutcome = { readonly kind: 'published' | 'repeated'; readonly version: PublishedVersion };
export type ConfirmRefusal =
  | { readonly kind: 'version-conflict'; readonly first: PublishedVersion }
  | { readonly kind: 'not-owner'; readonly owner: Publisher };

/**
 * Records a version, once: with its publishers' rows, their publish grants and their balances, in one transaction.
 *
 * The first confirmation publishes a version. The same publisher with the same content gets the same answer again.
 */
export async function confirmPublish(
  deps: ConfirmDeps,
  confirmation: Confirmation,
): Promise<Result<ConfirmOutcome, ConfirmRefusal>> {
  const { registry } = deps;
  const { name, version, publisher } = confirmation;
  // One for all tries: a try whose answer was lost may have been the one that wrote.
  const [writeId, seed] = [deps.randomToken(6), deps.randomToken(16)];

  return untilSaved<Result<ConfirmOutcome, ConfirmRefusal>>(withinRequest(deps), async (isFirst) => {
    // In this order: a read that finds a new owner also finds the version that came with them.
    const extension = await registry.findExtension(name);
    const existing = await registry.findVersion(name, version);
    if (existing !== undefined) {
      if (existing.writeId === writeId) return ok({ kind: 'published', version: existing });
      const isRepeat = isSamePublish(existing, { ...confirmation, isImported: confirmation.past !== undefined });
      const isSame = isRepeat && (await areOne(deps.names, existing.publisher, publisher));
      if (isSame) return ok({ kind: 'repeated', version: existing });
      return err({ kind: 'version-conflict', first: existing });
    }
    if (extension !== undefined && !(await areOne(deps.names, extension.owner, publisher))) {
      return err({ kind: 'not-owner', owner: extension.owner });
    }

    const { credited, collective } = await creditedBy(deps, confirmation);
    const published = publishedNow(deps, confirmation, credited);
    const grants = await grantsOf(deps, published, { writeId, seed, mayBeThere: !isFirst });
    const outcome = await registry.publish({ version: published, extension, ...collective, grants, writeId });
    return outcome === 'published' ? ok({ kind: 'published', version: published }) : outcome;
  });
}

/** The users that a publish counts for: the account itself, or the collective's members at this time. */
async function creditedBy(
  { collectives }: ConfirmDeps,
  { publisher, keyMembers, past }: Confirmation,
): Promise<{ readonly credited: readonly AccountId[]; readonly collective: { readonly collectiveRevision?: number } }> {
  if (publisher.kind === 'personal') return { credited: [publisher.name], collective: {} };
  const found = await collectives.find(publisher.name);
  return {
    credited: past?.members ?? membersNow(found, keyMembers),
    collective: { collectiveRevision: found?.revision ?? 0 },
  };
}

const publishedNow = (
  { clock }: ConfirmDeps,
  { name, version, channel, publisher, contentHash, past }: Confirmation,
  credited: readonly AccountId[],
): PublishedVersion => ({
  name,
  version,
  channel,
  publisher,
  credited,
  ...(contentHash === undefined ? {} : { contentHash }),
  ...(past === undefined ? {} : { isImported: true }),
  publishedAt: past?.at ?? isoOf(clock()),
  revision: 1,
});

/**
 * The publish grants of the credited users. No grant of a version that is not there has been given before, unless
 * somebody removed the version by hand: only a write that failed makes it worth a look.
 */
async function grantsOf(
  { ledger, rules, sha256 }: ConfirmDeps,
  published: PublishedVersion,
  { writeId, seed, mayBeThere }: { readonly writeId: string; readonly seed: string; readonly mayBeThere: boolean },
): Promise<readonly GrantAppend[]> {
  const { name, version, credited } = published;
  const grantIds = credited.map((account) => publishGrantId(name, version, account));
  const given = mayBeThere ? await ledger.thoseGiven(grantIds) : new Set<string>();
  const balances = await ledger.balancesOf(credited);
  return [...balances].map(([username, before]) => {
    const request = publishGrantOf(published, username, before, rules);
    if (given.has(request.grantId)) return { username, before, lines: [], after: before, writeId };
    const decided = decideGrants(before, [request], new Map(), { rulesVersion: rules.version, seed, sha256 });
    return { username, before, lines: decided.lines, after: decided.balance, writeId };
  });
}
