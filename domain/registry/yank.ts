import type { Clock, Random, Sleep } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { settleAll } from '../shared/settle-all.ts';
import { isoOf } from '../shared/utc.ts';
import type { ExtensionName, ExtensionVersion, Publisher, Yank } from './extension.ts';
import { maintains, type Maintainer } from './maintainer.ts';
import type { Registry } from './registry.port.ts';
import { untilDecided } from '../shared/until-decided.ts';

export type YankDeps = {
  readonly registry: Pick<Registry, 'findExtension' | 'findVersion' | 'versionsOf' | 'saveYank'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
};

/** One version, or all that there are now. */
export type YankTarget = { readonly name: ExtensionName; readonly version?: ExtensionVersion | undefined };

export type YankRefusal =
  { readonly kind: 'unknown-extension' } | { readonly kind: 'not-owner'; readonly owner: Publisher };

/** How many versions were changed; those that were so already are left as they are. */
export type YankOutcome = { readonly changed: number };

const PARALLEL_VERSIONS = 8;

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

/** A throw half-way leaves the versions done so far as asked; the same request again does the rest. */
async function setYank(
  deps: YankDeps,
  maintainer: Maintainer,
  { name, version }: YankTarget,
  wanted: Yank | undefined,
): Promise<Result<YankOutcome, YankRefusal>> {
  const extension = await deps.registry.findExtension(name);
  if (extension === undefined) return err({ kind: 'unknown-extension' });
  if (!maintains(maintainer, extension)) return err({ kind: 'not-owner', owner: extension.owner });

  if (version !== undefined) {
    const outcome = await setYankOf(deps, name, version, wanted);
    return outcome === 'unknown' ? err({ kind: 'unknown-extension' }) : ok({ changed: outcome === 'changed' ? 1 : 0 });
  }
  const due: ExtensionVersion[] = [];
  for await (const found of deps.registry.versionsOf(name)) {
    if ((found.yank === undefined) !== (wanted === undefined)) due.push(found.version);
  }
  const outcomes = await settleAll(due, PARALLEL_VERSIONS, (each) => setYankOf(deps, name, each, wanted));
  return ok({ changed: outcomes.filter((outcome) => outcome === 'changed').length });
}

const setYankOf = (
  deps: YankDeps,
  name: ExtensionName,
  version: ExtensionVersion,
  wanted: Yank | undefined,
): Promise<'changed' | 'unchanged' | 'unknown'> =>
  untilDecided<'changed' | 'unchanged' | 'unknown'>(deps, async () => {
    const found = await deps.registry.findVersion(name, version);
    if (found === undefined) return 'unknown';
    if ((found.yank === undefined) === (wanted === undefined)) return 'unchanged';
    return (await deps.registry.saveYank(found, wanted)) === 'saved' ? 'changed' : 'stale';
  });
