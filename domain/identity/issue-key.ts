import { setMembers, type SetMembersDeps } from './set-members.ts';
import type { AccountNames } from './account-names.ts';
import { createKey, newKeyOf, type CreatedKey, type CreateKeyDeps, type CreateKeyRequest } from './create-key.ts';

/**
 * Makes a key. A collective's names its members as well, from now on and for all of its keys; they are set first, since
 * members without a key are harmless and a key that publishes for nobody is not.
 */
export async function issueKey(
  deps: CreateKeyDeps & SetMembersDeps & { readonly names: Pick<AccountNames, 'accountsOf'> },
  request: CreateKeyRequest,
): Promise<CreatedKey> {
  const asked = await newKeyOf(deps.names, request);
  if (asked.kind === 'collective') await setMembers(deps, asked);
  return createKey(deps, asked);
}
