import * as z from 'zod/mini';

const EXPECTED = 'expected 1 to 128 of A-Z a-z 0-9 . _ : - / # @ + ~';

/** The identity of a fact that another system keeps: an issue, an award, a post. */
export const DomainId = z.string(EXPECTED).check(z.regex(/^[A-Za-z0-9._:/#@+~-]{1,128}$/, EXPECTED));
