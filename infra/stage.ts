import * as z from 'zod';

export const StageName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,19}$/, 'a stage is 1 to 20 of a-z 0-9 -, starting with a letter');

/** Stages whose tables are deleted with their stack. All others keep their tables. */
const THROWAWAY_STAGES: ReadonlySet<string> = new Set(['local', 'dev']);

export type Stage = {
  readonly name: string;
  readonly keepsData: boolean;
  /**
   * True if a table has deletion protection. A new table has none: a failed deployment deletes its resources, and a
   * table that it cannot delete would block the next deployment.
   */
  readonly protects: (tableRole: string) => boolean;
};

/**
 * `newTables` lists the roles of the tables that this deployment creates, separated by commas, or `all`. Throws for a
 * name that cannot be part of a physical name.
 */
export function stageOf(name: string, newTables = ''): Stage {
  const keepsData = !THROWAWAY_STAGES.has(name);
  const roles = newTables.split(',');
  const isNew = (role: string) => roles.includes(role) || roles.includes('all');
  return { name: StageName.parse(name), keepsData, protects: (role) => keepsData && !isNew(role) };
}
