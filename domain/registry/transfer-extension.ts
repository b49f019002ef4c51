import type { AccountNames } from '../identity/account-names.ts';
import type { Username } from '../identity/username.ts';
import type { Clock, Random, Sleep } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import type { Collectives } from '../identity/collective.ts';
import { isSamePublisher, type Extension, type ExtensionName, type Publisher } from './extension.ts';
import { areOne, maintains, type Maintainer } from './maintainer.ts';
import type { Registry } from './registry.port.ts';
import { untilSaved, withinRequest } from '../shared/until-saved.ts';
import type { YankRefusal } from './yank.ts';

export type TransferDeps = {
  readonly registry: Pick<Registry, 'findExtension' | 'saveExtension'>;
  readonly collectives: Pick<Collectives, 'find'>;
  readonly names: Pick<AccountNames, 'find' | 'accountsOf' | 'answering'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
};

/** `owned`: new versions are this owner's. `offered`: they will be, once the offer is accepted. */
export type Transfer = { readonly kind: 'owned' | 'offered'; readonly to: Publisher };

export type AcceptRefusal =
  | { readonly kind: 'unknown-extension' }
  /** Nothing is offered to anybody. */
  | { readonly kind: 'unknown-offer' }
  | { readonly kind: 'offered-to-another'; readonly to: Publisher };

/**
 * Offers an extension to another owner; an admin gives it away at once. An offer takes the place of the one before, and
 * one to the owner takes it back.
 *
 * `to` is a collective if one with that slug exists, or an account. The owner who has just given it away may repeat
 * it: the answer to the first request may have been lost.
 */
export async function transferExtension(
  deps: TransferDeps,
  maintainer: Maintainer,
  { name, to: slug }: { readonly name: ExtensionName; readonly to: Username },
): Promise<Result<Transfer, YankRefusal>> {
  const known = await knownPublisher(deps, slug);

  return untilSaved<Result<Transfer, YankRefusal>>(withinRequest(deps), async () => {
    const extension = await deps.registry.findExtension(name);
    if (extension === undefined) return err({ kind: 'unknown-extension' });
    const { owner, offeredTo, previousOwner } = extension;
    const isOwned = known !== undefined && (await areOne(deps.names, owner, known));
    if (!(await maintains(deps.names, maintainer, owner))) {
      const gaveIt = isOwned && previousOwner !== undefined && (await maintains(deps.names, maintainer, previousOwner));
      return gaveIt ? ok({ kind: 'owned', to: known }) : err({ kind: 'not-owner', owner });
    }
    const to = known ?? { kind: 'personal', name: (await deps.names.accountsOf([slug]))(slug) };
    if (maintainer === 'admin' || isOwned) {
      const isDone = isOwned && offeredTo === undefined;
      return isDone || (await give(deps, extension, to)) ? ok({ kind: 'owned', to }) : 'stale';
    }
    const isOffered = offeredTo !== undefined && isSamePublisher(offeredTo, to);
    const offered = { ...extension, offeredTo: to };
    return isOffered || (await deps.registry.saveExtension(offered)) === 'saved'
      ? ok({ kind: 'offered', to })
      : 'stale';
  });
}

async function knownPublisher({ collectives, names }: TransferDeps, slug: Username): Promise<Publisher | undefined> {
  if ((await collectives.find(slug)) !== undefined) return { kind: 'collective', name: slug };
  const found = await names.find(slug);
  return found && { kind: 'personal', name: found.account };
}

/** Gives an extension to the one it is offered to. The new owner may repeat it. */
export const acceptExtension = (
  deps: Omit<TransferDeps, 'collectives'>,
  publisher: Publisher,
  name: ExtensionName,
): Promise<Result<Publisher, AcceptRefusal>> =>
  untilSaved<Result<Publisher, AcceptRefusal>>(withinRequest(deps), async () => {
    const extension = await deps.registry.findExtension(name);
    if (extension === undefined) return err({ kind: 'unknown-extension' });
    const { owner, offeredTo } = extension;
    if (await areOne(deps.names, owner, publisher)) return ok(owner);
    if (offeredTo === undefined) return err({ kind: 'unknown-offer' });
    const isForThem = await areOne(deps.names, offeredTo, publisher);
    if (!isForThem) return err({ kind: 'offered-to-another', to: offeredTo });
    return (await give(deps, extension, publisher)) ? ok(publisher) : 'stale';
  });

/** The new owner gets it without an open offer. False if the extension changed since it was read. */
async function give(
  { registry }: Pick<TransferDeps, 'registry'>,
  { offeredTo: _over, ...extension }: Extension,
  to: Publisher,
): Promise<boolean> {
  const previousOwner = isSamePublisher(extension.owner, to) ? {} : { previousOwner: extension.owner };
  return (await registry.saveExtension({ ...extension, ...previousOwner, owner: to })) === 'saved';
}
