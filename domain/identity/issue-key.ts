import { setMembers, type SetMembersDeps } from './set-members.ts';
import { createKey, type CreatedKey, type CreateKeyDeps, type CreateKeyRequest } from './create-key.ts';

/**
 * Makes a key. A collective's names its members as well, from now on and for all of its keys; they are set first, since
 * members without a key are harmless and a key that publishes for nobody is not.
 */
export async function issueKey(deps: CreateKeyDeps & SetMembersDeps, request: CreateKeyRequest): Promise<CreatedKey> {
  if (request.kind === 'collective') await setMembers(deps, request);
  return createKey(deps, request);
}
