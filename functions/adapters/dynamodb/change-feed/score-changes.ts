import { isDeepStrictEqual } from 'node:util';
import type { ScoreChange } from '../../../../domain/change-feed/score-change.ts';
import { parseProfileItem } from '../scoring/profile.items.ts';
import { ScoreEntry, sortKeyOf } from '../scoring/score.items.ts';
import type { StreamChange } from './stream-record.ts';
import { type Item, usernameOf } from '../shared/item.ts';
import { PROFILE_SK, SCORE_SK } from '../../../runtime/names.ts';
import { fromItem } from '../shared/format.ts';

/** Who is shown as part of whom. */
function mergeIn(image: Item | undefined) {
  if (image === undefined) return { merged: [] };
  const { isHidden: _choice, ...merge } = parseProfileItem(image);
  return merge;
}

const standingIn = (image: Item | undefined): ScoreEntry | undefined =>
  image === undefined ? undefined : ScoreEntry.parse(fromItem('score', image));

/** Reads a stream record of the `user_scores` table; undefined if it changes neither a board nor a user's choice. */
export function scoreChange({ keys, before, after }: StreamChange): ScoreChange | undefined {
  const sortKey = sortKeyOf(keys);
  if (sortKey === PROFILE_SK) {
    const isErased = after !== undefined && parseProfileItem(after).erasedAt !== undefined;
    if (isErased) return { kind: 'account-erased', username: usernameOf(keys) };
    const isMerge = !isDeepStrictEqual(mergeIn(before), mergeIn(after));
    return { kind: 'profile-changed', username: usernameOf(keys), ...(isMerge ? { isMerge } : {}) };
  }
  if (sortKey !== SCORE_SK) return undefined;
  return isDeepStrictEqual(standingIn(before), standingIn(after)) ? undefined : { kind: 'standing-changed' };
}
