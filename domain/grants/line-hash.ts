import type { Sha256 } from '../shared/environment.ts';
import type { GrantLine } from './grant.ts';

/** A line as anybody may have read it. */
type HashedLine = Omit<GrantLine, 'hash' | 'username' | 'reason' | 'grantedBy'> & {
  readonly username: string;
  readonly reason?: string | undefined;
  readonly grantedBy?: string | undefined;
};

/**
 * The text whose SHA-256 is a line's hash: one JSON array without white space, as `JSON.stringify` writes it, of
 *
 *   [grantId, username, key, category, source, amount, grantedAt, reason, grantedBy,
 *    seq, balanceAfter, rulesVersion, previousHash]
 *
 * in UTF-8, with null for what the line does not have. All of it is in `GET /v1/scores/{username}/grants`, so anyone
 * can compute the chain again. The text never changes: another text would break every existing chain.
 */
export const lineText = (line: HashedLine): string =>
  JSON.stringify([
    line.grantId,
    line.username,
    line.key,
    line.category,
    line.source,
    line.amount,
    line.grantedAt,
    line.reason ?? null,
    line.grantedBy ?? null,
    line.seq,
    line.balanceAfter,
    line.rulesVersion,
    line.previousHash,
  ]);

export const hashOfLine = (line: Omit<GrantLine, 'hash'>, sha256: Sha256): string => sha256(lineText(line));
