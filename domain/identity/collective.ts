import * as z from 'zod/mini';
import type { AccountId } from './account.ts';
import { Username } from './username.ts';

/** A collective's publish is one transaction with all its members' rows; DynamoDB takes 100 actions in one. */
const MAX_MEMBERS = 30;

const EXPECTED = `expected a list of 1 to ${MAX_MEMBERS} usernames`;
export const Members = z.array(Username, EXPECTED).check(z.minLength(1, EXPECTED), z.maxLength(MAX_MEMBERS, EXPECTED));

/** The accounts that publish together now. Earlier publishes keep the users they were credited to. */
export type Collective = {
  readonly slug: Username;
  /** Each once, sorted. */
  readonly members: readonly AccountId[];
  /** ISO 8601: since when these are the members. */
  readonly since: string;
  readonly revision: number;
};

/** Where memberships are kept, with their history. Everything is read strongly consistent. */
export type Collectives = {
  find(slug: Username): Promise<Collective | undefined>;
  /** The members at a time, ISO 8601: before the first of them were set, those. Undefined for an unknown slug. */
  membersAt(slug: Username, at: string): Promise<readonly AccountId[] | undefined>;
  /** The slugs of the collectives that name the user as a member, sorted. */
  collectivesOf(member: AccountId): Promise<readonly Username[]>;
  /** Replaces `before` by `after` and adds a line to the history. `stale`: the members are not `before` any more. */
  save(before: Collective | undefined, after: Collective): Promise<'saved' | 'stale'>;
};

/** The members of today, each once: the members that the key was made with, until somebody sets others. */
export const membersNow = (found: Collective | undefined, ofKey: readonly AccountId[]): readonly AccountId[] => [
  ...new Set(found?.members ?? ofKey),
];
