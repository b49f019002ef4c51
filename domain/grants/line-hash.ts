import type { Sha256 } from '../shared/environment.ts';
import type { GrantLine } from './grant.ts';

/** The format of the text below. It never changes: another text is another format, and old lines keep theirs. */
export const LINE_FORMAT = 2;

/**
 * The first line of the text. It names the format, and it ends after more than 16 bytes with a line break, which no
 * text of a grant has: so a line is never read as a salt and a text, nor the other way round.
 */
const HEADER = `laurel ledger line ${LINE_FORMAT}\n`;

/** A line as anybody may have read it; `username` is the account that it belongs to. */
type HashedLine = Omit<
  GrantLine,
  | 'hash'
  | 'username'
  | 'reason'
  | 'reasonSalt'
  | 'reasonCommitment'
  | 'grantedBy'
  | 'grantedBySalt'
  | 'grantedByCommitment'
> & {
  readonly username: string;
  readonly reasonCommitment?: string | null | undefined;
  readonly grantedByCommitment?: string | null | undefined;
};

/**
 * The text whose SHA-256 is a line's hash: the header, then one JSON array without white space, as `JSON.stringify`
 * writes it, of
 *
 *   [account, grantId, key, category, source, amount, grantedAt, reasonCommitment, grantedByCommitment,
 *    seq, balanceAfter, rulesVersion, previousHash]
 *
 * in UTF-8, with null for what the line does not have. `GET /v1/scores/{username}/grants` has all of it, so anyone can
 * compute the chain again. docs/ledger.md has an example.
 */
export const lineText = (line: HashedLine): string =>
  HEADER +
  JSON.stringify([
    line.username,
    line.grantId,
    line.key,
    line.category,
    line.source,
    line.amount,
    line.grantedAt,
    line.reasonCommitment ?? null,
    line.grantedByCommitment ?? null,
    line.seq,
    line.balanceAfter,
    line.rulesVersion,
    line.previousHash,
  ]);

export const hashOfLine = (line: Omit<HashedLine, 'hash'>, sha256: Sha256): string => sha256(lineText(line));
