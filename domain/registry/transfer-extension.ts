import type { Username } from '../identity/username.ts';
import type { Random, Sleep } from '../shared/environment.ts';
import { err, ok, type Result } from '../shared/result.ts';
import type { Collectives } from '../identity/collective.ts';
import { isSamePublisher, type ExtensionName, type Publisher } from './extension.ts';
import { maintains, type Maintainer } from './maintainer.ts';
import type { Registry } from './registry.port.ts';
import { untilDecided } from '../shared/until-decided.ts';
import type { YankRefusal } from './yank.ts';

export type TransferDeps = {
  readonly registry: Pick<Registry, 'findExtension' | 'saveOwner'>;
  readonly collectives: Pick<Collectives, 'find'>;
  readonly random: Random;
  readonly sleep: Sleep;
};

/**
 * Gives an extension to another owner: new versions are theirs, old ones stay credited to whoever published them.
 *
 * `to` is a collective where one of that slug exists, else an account. Whoever has just given it away may say so again:
 * the answer to the first request may have been lost.
 */
export async function transferExtension(
  deps: TransferDeps,
  maintainer: Maintainer,
  { name, to }: { readonly name: ExtensionName; readonly to: Username },
): Promise<Result<Publisher, YankRefusal>> {
  const isCollective = (await deps.collectives.find(to)) !== undefined;
  const owner: Publisher = { kind: isCollective ? 'collective' : 'personal', name: to };

  return untilDecided<Result<Publisher, YankRefusal>>(deps, async () => {
    const extension = await deps.registry.findExtension(name);
    if (extension === undefined) return err({ kind: 'unknown-extension' });
    const { previousOwner } = extension;
    const isDone = isSamePublisher(extension.owner, owner);
    const gaveIt = isDone && previousOwner !== undefined && maintains(maintainer, { owner: previousOwner });
    if (!maintains(maintainer, extension) && !gaveIt) return err({ kind: 'not-owner', owner: extension.owner });
    if (isDone) return ok(owner);
    return (await deps.registry.saveOwner(extension, owner)) === 'saved' ? ok(owner) : 'stale';
  });
}
