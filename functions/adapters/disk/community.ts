import type { Community } from '../../../domain/rules/community.ts';
import { CommunityError, communityFolder, readCommunity } from './community-files.ts';
import { pageLookOf } from './page-look.ts';

function checked(): Community {
  const read = readCommunity(communityFolder());
  if (read.ok) return read.value;
  throw new CommunityError(read.error);
}

/**
 * The community that this process is of. It is imported as `#community`: the bundles of functions have its content in
 * place of this module, read and checked when they are built, so that no cold start parses it.
 */
export const community: Community = checked();

/** For the build of the pages. It is in no bundle. */
export const pageLook = pageLookOf(community, communityFolder());
