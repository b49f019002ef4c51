import type { AccountNames } from '../identity/account-names.ts';
import type { Clock, Random, Sleep } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { settleAll } from '../shared/settle-all.ts';
import { isoOf } from '../shared/utc.ts';
import { Busy, untilSaved, withinRequest } from '../shared/until-saved.ts';
import type { Channel, ExtensionName, ExtensionVersion, Publisher, Yank } from './extension.ts';
import { maintains, type Maintainer } from './maintainer.ts';
import { MAX_ROWS_AT_ONCE, rowsOf, type Registry, type StoredVersion } from './registry.port.ts';

export type YankDeps = {
  readonly registry: Pick<Registry, 'findVersion' | 'versionsOf' | 'saveYanks'>;
  readonly names: Pick<AccountNames, 'answering'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
};

/** One version of any channel; without a version all versions of a channel; without both all versions. */
export type YankTarget = {
  readonly name: ExtensionName;
  readonly version?: ExtensionVersion | undefined;
  readonly channel?: Channel | undefined;
};

export type YankRefusal =
  { readonly kind: 'unknown-extension' } | { readonly kind: 'not-owner'; readonly owner: Publisher };

export type YankOutcome = {
  /** How many versions were changed. Versions in the wanted state stay as they are. */
  readonly changed: number;
  /** How many of the named versions belong to other publishers. They were not touched. */
  readonly ofOthers: number;
};

/** Each is as large as a write may be. */
const PARALLEL_WRITES = 2;

/** Takes versions back. They count for nobody while they are yanked; the ledger keeps their grants. */
export const yank = (
  deps: YankDeps,
  maintainer: Maintainer,
  target: YankTarget,
  reason: string,
): Promise<Result<YankOutcome, YankRefusal>> => setYank(deps, maintainer, target, { at: isoOf(deps.clock()), reason });

/** Restores versions. */
export const unyank = (
  deps: YankDeps,
  maintainer: Maintainer,
  target: YankTarget,
): Promise<Result<YankOutcome, YankRefusal>> => setYank(deps, maintainer, target, undefined);

/**
 * A publisher may yank and restore its versions, even after the name went to somebody else. A throw half-way, such as
 * `Busy`, keeps the versions that are done. The same request again does the rest.
 */
async function setYank(
  { registry, names, ...deps }: YankDeps,
  maintainer: Maintainer,
  target: YankTarget,
  wanted: Yank | undefined,
): Promise<Result<YankOutcome, YankRefusal>> {
  let [changed, slowest] = [0, 0];
  const within = withinRequest(deps);
  return untilSaved<Result<YankOutcome, YankRefusal>>(within, async () => {
    const named = await versionsNamedBy(registry, target);
    const [first] = named;
    if (first === undefined) return err({ kind: 'unknown-extension' });
    const own: StoredVersion[] = [];
    for (const version of named) if (await maintains(names, maintainer, version.publisher)) own.push(version);
    if (own.length === 0) return err({ kind: 'not-owner', owner: first.publisher });

    const due = own.filter(({ yank }) => (yank === undefined) !== (wanted === undefined));
    const outcomes = await settleAll(inWrites(due), PARALLEL_WRITES, async (versions) => {
      if (within.isTimeUp(slowest)) throw new Busy(`${changed} of ${due.length} versions are done`);
      const started = deps.clock();
      const outcome = await registry.saveYanks(versions, wanted);
      slowest = Math.max(slowest, deps.clock() - started);
      if (outcome === 'saved') changed += versions.length;
      return outcome;
    });
    return outcomes.includes('stale') ? 'stale' : ok({ changed, ofOthers: named.length - own.length });
  });
}

async function versionsNamedBy(
  registry: YankDeps['registry'],
  { name, version, channel }: YankTarget,
): Promise<readonly StoredVersion[]> {
  if (version !== undefined) {
    const found = await registry.findVersion(name, version);
    return found === undefined ? [] : [found];
  }
  const named: StoredVersion[] = [];
  for await (const each of registry.versionsOf(name)) {
    if (channel === undefined || each.channel === channel) named.push(each);
  }
  return named;
}

/** The versions in parts that are written together, each as large as one write may be. */
function inWrites(versions: readonly StoredVersion[]): readonly (readonly StoredVersion[])[] {
  const writes: StoredVersion[][] = [];
  let rows = MAX_ROWS_AT_ONCE;
  for (const version of versions) {
    rows += rowsOf(version);
    if (rows > MAX_ROWS_AT_ONCE) {
      writes.push([]);
      rows = rowsOf(version);
    }
    writes.at(-1)?.push(version);
  }
  return writes;
}
