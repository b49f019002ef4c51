import { err, ok, type Result } from '../shared/result.ts';

/** What somebody did in another place. `Thing` is its name in `hooks` of `community.json`. */
export type Deed<Thing extends string, Identity> = {
  readonly thing: Thing;
  readonly identity: Identity;
  readonly author: Author;
  /** ISO 8601; undefined if the hook does not say: the time of receipt. */
  readonly at: string | undefined;
};

/** Who did it: `login` may change, `id` never does. */
export type Author = { readonly id: number; readonly login: string };

/** Why a hook is no fact. The sender's administrator reads it in the list of deliveries. */
export type Ignored = { readonly reason: string };
export const ignored = (reason: string) => err({ reason });

/** GitHub's account for the things of deleted accounts. */
const GHOST = 'ghost';

/** The author, if a person is behind it. */
export function personOf(
  user: { readonly id: number; readonly login: string; readonly type?: string | undefined } | null | undefined,
): Result<Author, Ignored> {
  if (user === null || user === undefined || user.login === GHOST) return ignored('its author has no account any more');
  const { id, login, type } = user;
  if (type === 'Bot' || login.endsWith('[bot]') || id < 1) return ignored(`its author, ${login}, is a bot`);
  return ok({ id, login });
}
