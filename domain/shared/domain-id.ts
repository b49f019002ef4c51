import * as z from 'zod/mini';

const EXPECTED = 'expected 1 to 128 of A-Z a-z 0-9 . _ : -';
const EXPECTED_OF_FACT = 'expected 1 to 128 of A-Z a-z 0-9 . _ : - / # @ + ~';

/** The identity of another system's decision: an award, a badge. */
export const DomainId = z.string(EXPECTED).check(z.regex(/^[A-Za-z0-9._:-]{1,128}$/, EXPECTED));

/** The identity of a reported fact: `acme/tool#12` is a pull request's own name. */
export const FactId = z.string(EXPECTED_OF_FACT).check(z.regex(/^[A-Za-z0-9._:/#@+~-]{1,128}$/, EXPECTED_OF_FACT));
