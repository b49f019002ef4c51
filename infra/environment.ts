import type { Variables } from '../functions/runtime/variables.ts';
import type { LaurelTables } from './laurel-tables.ts';

/** How functions are told of the tables. */
export const tableVariables = (tables: LaurelTables) => ({
  TELEMETRY_TABLE: tables.telemetry.tableName,
  REGISTRY_TABLE: tables.registry.tableName,
  GRANTS_TABLE: tables.scoreGrants.tableName,
  SCORES_TABLE: tables.userScores.tableName,
  ROLLUPS_TABLE: tables.rollups.tableName,
  LEADERBOARDS_TABLE: tables.leaderboards.tableName,
  CREDENTIALS_TABLE: tables.credentials.tableName,
  RUNS_TABLE: tables.backfillRuns.tableName,
});

/** What a function's `env.ts` asks for, and no more. It does not compile if `available` lacks a name. */
export function environmentOf<Name extends keyof Variables>(
  env: { readonly shape: Readonly<Record<Name, unknown>> },
  available: Readonly<Record<NoInfer<Name>, string>>,
): Record<string, string> {
  const given = Object.entries<string>(available).filter(([name]) => name in env.shape);
  return Object.fromEntries(given);
}
