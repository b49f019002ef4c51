import type { AccountId, Accounts } from '../identity/account.ts';
import { ERASED } from '../identity/username.ts';
import { namesOfList } from '../leaderboards/row-names.ts';
import type { ExtensionName, Publisher } from '../registry/extension.ts';
import type { Registry } from '../registry/registry.port.ts';
import type { Clock, Random, Sha256, Sleep } from '../shared/environment.ts';
import { accountsIn, ExtensionSort, leavesOf } from './extension-list.ts';
import type { RollupStore } from './rollup-store.port.ts';
import { settleAll } from '../shared/settle-all.ts';
import { asWorker, untilSaved } from '../shared/until-saved.ts';

/** The community's view of an extension. */
export type ExtensionSummary = {
  readonly extension: ExtensionName;
  /** The account or the collective that owns it. */
  readonly publisher: Publisher;
  /** Versions published, yanked since or not. */
  readonly versions: number;
  readonly pulls: number;
  /** ISO 8601 */
  readonly firstPublished: string;
  readonly lastPublished: string;
};

export type SummaryDeps = {
  readonly registry: Pick<Registry, 'findExtension' | 'versionsOf'>;
  readonly rollups: RollupStore;
  readonly accounts: Pick<Accounts, 'withIds' | 'changedSince'>;
  readonly sha256: Sha256;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
};

/**
 * Makes an extension's summary from the registry and the rolled up pulls: guard, then facts, then save. Nothing is
 * stored for a name that the registry does not know.
 */
export async function summarizeExtension(deps: SummaryDeps, name: ExtensionName): Promise<void> {
  await untilSaved(asWorker(deps, `summary of ${name}`), async () => {
    const stored = await deps.rollups.loadSummary(name);
    const extension = await deps.registry.findExtension(name);
    const times: string[] = [];
    for await (const { publishedAt } of deps.registry.versionsOf(name)) times.push(publishedAt);
    const [firstPublished, lastPublished] = [times.toSorted()[0], times.toSorted().at(-1)];
    if (extension === undefined || firstPublished === undefined || lastPublished === undefined) return 'unknown';
    const pulls = await deps.rollups.pullsOf(name);
    const publisher = extension.owner;
    return stored.save({ extension: name, publisher, versions: times.length, pulls, firstPublished, lastPublished });
  });
}

const SORTS = ExtensionSort.options;

/**
 * Makes the lists of all extensions from their summaries: guard, then summaries, then save. The names of publishers are
 * stored beside the rows; of the lists before, those are taken that have not changed since.
 */
export async function listExtensions(deps: SummaryDeps): Promise<void> {
  await untilSaved(asWorker(deps, 'lists of extensions'), async () => {
    const lists = await settleAll(SORTS, SORTS.length, async (sort) => ({
      sort,
      stored: await deps.rollups.loadList(sort),
    }));
    const now = deps.clock(); // before any name is read
    const known = await lists[0]?.stored.read();
    const summaries = await deps.rollups.summaries();
    const names = await namesOfList(deps.accounts, now, accountsIn(summaries), known?.names ?? null);
    const saves = await settleAll(lists, lists.length, ({ sort, stored }) =>
      stored.save(leavesOf(summaries, sort, deps.sha256), names),
    );
    return saves.includes('stale') ? 'stale' : 'saved';
  });
}

/** Makes the lists again if an account was renamed since, so that readers are told of few changes. */
export async function renewNames(deps: SummaryDeps): Promise<void> {
  const { namesAt } = await deps.rollups.loadList('pulls');
  const changed = namesAt === null ? null : await deps.accounts.changedSince(namesAt);
  const isOld = changed === null || [...changed.values()].some(({ name }) => name !== undefined);
  if (isOld) await listExtensions(deps);
}

/** Takes the name of an erased account out of the lists; false if they were saved meanwhile. */
export async function eraseFromLists(
  deps: Pick<SummaryDeps, 'rollups' | 'sha256'>,
  account: AccountId,
): Promise<boolean> {
  const saves = await settleAll(SORTS, SORTS.length, async (sort) => {
    const stored = await deps.rollups.loadList(sort);
    const { rows, names } = await stored.read();
    const name = names?.names.get(account) ?? ERASED;
    if (names === null || name === ERASED) return 'saved';
    const next = new Map(names.names).set(account, ERASED);
    return stored.save(leavesOf(rows, sort, deps.sha256), { ...names, names: next });
  });
  return !saves.includes('stale');
}
