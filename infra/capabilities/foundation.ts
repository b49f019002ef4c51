import type { Construct } from 'constructs';
import { environmentOf, tableVariables } from '../environment.ts';
import { API_TIMEOUT, LaurelFunction, type LaurelFunctionProps } from '../laurel-function.ts';
import { laurelTables } from '../laurel-tables.ts';
import { tablePolicies } from '../policies.ts';
import type { Stage } from '../stage.ts';

/** The base of every capability: the tables, their environment variables, the policies for them, and functions on them. */
export function foundation(scope: Construct, stage: Stage) {
  const tables = laurelTables(scope, stage);
  const variables = tableVariables(tables);
  /** A function behind the API that has only the variables of tables. */
  const behindApi = <Name extends keyof typeof variables>(
    id: string,
    role: string,
    env: { readonly shape: Readonly<Record<Name, unknown>> },
    more: Pick<LaurelFunctionProps, 'memoryMegabytes'> = {},
  ) =>
    new LaurelFunction(scope, id, {
      stage,
      role,
      environment: environmentOf(env, variables),
      timeout: API_TIMEOUT,
      ...more,
    });
  return { stage, tables, variables, may: tablePolicies(tables), behindApi };
}
export type Foundation = ReturnType<typeof foundation>;
