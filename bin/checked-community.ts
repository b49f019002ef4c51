import { sentenceOfFault } from '../domain/rules/check-community.ts';
import { communityFolder, readCommunity } from '../functions/adapters/disk/community-files.ts';

/** Imported first: faults of the community's files are told in one sentence each, before anything is built of them. */
const read = readCommunity(communityFolder());
if (!read.ok) {
  console.error(read.error.map(sentenceOfFault).join('\n'));
  process.exit(1);
}
