import * as z from 'zod';

export const StageName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,19}$/, 'a stage is 1 to 20 of a-z 0-9 -, starting with a letter');

/** Stages whose tables are deleted with their stack. All others keep their tables. */
const THROWAWAY_STAGES: ReadonlySet<string> = new Set(['local', 'dev']);

/** AWS takes the web ACL of a distribution in this region only. */
export const EDGE_REGION = 'us-east-1';
export const WRONG_REGION =
  `LAUREL_EDGE: the web ACL can be made in ${EDGE_REGION} only; make one there and name it in LAUREL_EDGE_WEB_ACL_ARN, ` +
  `or deploy to ${EDGE_REGION}`;

/** AWS keeps at least 100 invocations of an account unreserved, so a smaller account reserves none. */
export const LEAST_TO_RESERVE = 250;

const wholeNumber = (usual: number, least: number, most: number) => {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.coerce.number(error).int(error).min(least, error).max(most, error).default(usual);
};
const perSecond = (usual: number, most: number) => wholeNumber(usual, 1, most);

/**
 * What strangers can cause at most, as settings of a stage. The defaults fit a community of some thousand accounts.
 * `docs/operating/limits.md` computes the cost of a flood from them.
 */
export const Limits = z.strictObject({
  /** Requests per second that write, such as `/ingest`. Each route has its own limit. */
  writes: perSecond(100, 10_000),
  /** The same for reads that can take tens of read units, such as a page of a board or an audit. */
  costlyReads: perSecond(50, 10_000),
  /** The same for all other routes. */
  others: perSecond(1_000, 10_000),
  /** Write units per second and table. Beyond it, DynamoDB throttles. */
  tableWrites: perSecond(4_000, 40_000),
  tableReads: perSecond(12_000, 40_000),
  /** Invocations of `refresh-score` at a time. More scores are refreshed after midnight, and more of the account's limit is used. */
  refreshes: wholeNumber(10, 2, 1_000),
  /** Requests of one address in five minutes. Only the edge counts addresses. */
  perAddress: wholeNumber(3_000, 10, 2_000_000_000),
});
export type Limits = z.infer<typeof Limits>;

export type Stage = {
  readonly name: string;
  readonly keepsData: boolean;
  /**
   * True if a table has deletion protection. A new table has none: a failed deployment deletes its resources, and a
   * table that it cannot delete would block the next deployment.
   */
  readonly protects: (tableRole: string) => boolean;
  readonly limits: Limits;
};

/**
 * `newTables` lists the roles of the tables that this deployment creates, separated by commas, or `all`. Throws for a
 * name that cannot be part of a physical name.
 */
export function stageOf(name: string, newTables = '', limits = Limits.parse({})): Stage {
  const keepsData = !THROWAWAY_STAGES.has(name);
  const roles = newTables.split(',');
  const isNew = (role: string) => roles.includes(role) || roles.includes('all');
  return { name: StageName.parse(name), keepsData, protects: (role) => keepsData && !isNew(role), limits };
}
