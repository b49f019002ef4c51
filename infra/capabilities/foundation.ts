import type { Construct } from 'constructs';
import { tableVariables } from '../environment.ts';
import { laurelTables } from '../laurel-tables.ts';
import { tablePolicies } from '../policies.ts';
import type { Stage } from '../stage.ts';

/** What every capability is built on: the tables, how a function is told of them, and what it may do with them. */
export function foundation(scope: Construct, stage: Stage) {
  const tables = laurelTables(scope, stage);
  return { stage, tables, variables: tableVariables(tables), may: tablePolicies(tables) };
}
export type Foundation = ReturnType<typeof foundation>;
