import * as z from 'zod/mini';

const EXPECTED = 'expected 1 to 64 of a-z 0-9 - _ . starting with a letter or digit';

/**
 * An account's name: 1 to 64 of `a-z 0-9 - _ .`, starting with a letter or digit; upper case is folded to lower case.
 * It may change: everything that is stored names the account by its id.
 */
export const Username = z
  .string(EXPECTED)
  .check(
    // Looked at before it is folded: the Kelvin sign, too, folds to a `k`.
    z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, EXPECTED),
    z.toLowerCase(),
    z.refine((name) => name !== 'erased', 'expected another name: this one is for accounts that were erased'),
    // Otherwise somebody could take the id of another account as a name, and ids of grants would name both.
    z.refine((name) => !/^acc_[a-z2-7]{16}$/.test(name), 'expected a username, not the id of an account'),
  )
  .brand<'Username'>();
export type Username = z.infer<typeof Username>;

/** The name of an account as it is kept: a username, or `ERASED`. */
export const KeptName = z.string().brand<'Username'>();
/** How answers call an account that was erased. Nobody else can have this name. */
export const ERASED = KeptName.parse('erased');
