import type { Construct } from 'constructs';
import { tableVariables } from '../environment.ts';
import { laurelTables } from '../laurel-tables.ts';
import { tablePolicies } from '../policies.ts';
import type { Stage } from '../stage.ts';

/** The base of every capability: the tables, their environment variables, and the policies for them. */
export function foundation(scope: Construct, stage: Stage) {
  const tables = laurelTables(scope, stage);
  return { stage, tables, variables: tableVariables(tables), may: tablePolicies(tables) };
}
export type Foundation = ReturnType<typeof foundation>;
