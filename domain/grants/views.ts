import * as z from 'zod/mini';
import { AuditProblem } from './audit.ts';
import { reversedBy, type GrantLine } from './grant.ts';
import { LINE_FORMAT } from './line-hash.ts';

/** The ledger's answers, each with its schema: the documentation and the handlers use the same. */

const Points = z.int();
const Hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const Salt = z.string().check(z.regex(/^[0-9a-f]{32}$/));

export const GrantedView = z.object({
  grantId: z.string(),
  seq: z.int().check(z.positive()),
  /** The user's totalScore after the grant. */
  balance: Points,
  grantedAt: z.iso.datetime(),
  /** A receipt: the hash of the grant's line, and of the user's line before it; null for the first line. */
  hash: Hash,
  previousHash: z.nullable(Hash),
  /** Where the grant had been given before. */
  replayed: z.optional(z.literal(true)),
});
export type GrantedView = z.infer<typeof GrantedView>;

export const grantedView = (line: GrantLine): GrantedView => {
  const { grantId, seq, balanceAfter: balance, grantedAt, hash, previousHash } = line;
  return { grantId, seq, balance, grantedAt, hash, previousHash };
};

export const GrantView = z.object({
  /** The format of the text that the hash is made of. */
  format: z.literal(LINE_FORMAT),
  grantId: z.string(),
  key: z.string(),
  category: z.string(),
  source: z.string(),
  amount: Points,
  /** The texts: null if there is none, or if it was erased. The commitment of an erased text stays. */
  reason: z.nullable(z.string()),
  /** 16 bytes in hexadecimal. The commitment is the SHA-256 of these bytes followed by the text in UTF-8. */
  reasonSalt: z.nullable(Salt),
  reasonCommitment: z.nullable(Hash),
  grantedBy: z.nullable(z.string()),
  grantedBySalt: z.nullable(Salt),
  grantedByCommitment: z.nullable(Hash),
  /** The grant that a reversal takes back. */
  reverses: z.optional(z.string()),
  grantedAt: z.iso.datetime(),
  seq: z.int().check(z.positive()),
  balanceAfter: Points,
  rulesVersion: z.string(),
  previousHash: z.nullable(Hash),
  hash: Hash,
});

export const GrantsView = z.object({
  /** The account that the text of each line names. */
  accountId: z.string(),
  /** Newest first. */
  grants: z.array(GrantView),
  /** The unreadable lines among them, if any. */
  problems: z.optional(z.array(AuditProblem)),
  /** The cursor of the next page. */
  next: z.optional(z.string()),
});
export type GrantsView = z.infer<typeof GrantsView>;

export function grantView(line: GrantLine): z.infer<typeof GrantView> {
  const { username: _, ...shown } = line;
  const reverses = reversedBy(line);
  return {
    format: LINE_FORMAT,
    ...shown,
    reason: line.reason ?? null,
    reasonSalt: line.reasonSalt ?? null,
    reasonCommitment: line.reasonCommitment ?? null,
    grantedBy: line.grantedBy ?? null,
    grantedBySalt: line.grantedBySalt ?? null,
    grantedByCommitment: line.grantedByCommitment ?? null,
    ...(reverses === undefined ? {} : { reverses }),
  };
}
