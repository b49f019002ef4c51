import * as z from 'zod';

export const StageName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,19}$/, 'a stage is 1 to 20 of a-z 0-9 -, starting with a letter');

/** Stages whose data may go with their stack; any other keeps its tables when the stack goes. */
const THROWAWAY_STAGES: ReadonlySet<string> = new Set(['local', 'dev']);

export type Stage = {
  readonly name: string;
  readonly keepsData: boolean;
  /**
   * Whether a table cannot be deleted. Not while it is new: a deployment that fails deletes what it has created, and a
   * table that it cannot delete would stand in the way of the next one.
   */
  readonly protects: (tableRole: string) => boolean;
};

/**
 * `newTables` are the roles of the tables that this deployment creates, separated by commas, or `all`. Throws on a name
 * that cannot be part of a physical name.
 */
export function stageOf(name: string, newTables = ''): Stage {
  const keepsData = !THROWAWAY_STAGES.has(name);
  const roles = newTables.split(',');
  const isNew = (role: string) => roles.includes(role) || roles.includes('all');
  return { name: StageName.parse(name), keepsData, protects: (role) => keepsData && !isNew(role) };
}
