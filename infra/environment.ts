import type { Variables } from '../functions/runtime/variables.ts';
import type { LaurelTables } from './laurel-tables.ts';

/** The environment variables for the tables. */
export const tableVariables = (tables: LaurelTables) => ({
  ACCOUNTS_TABLE: tables.accounts.tableName,
  TELEMETRY_TABLE: tables.telemetry.tableName,
  REGISTRY_TABLE: tables.registry.tableName,
  GRANTS_TABLE: tables.scoreGrants.tableName,
  SCORES_TABLE: tables.userScores.tableName,
  ROLLUPS_TABLE: tables.rollups.tableName,
  LEADERBOARDS_TABLE: tables.leaderboards.tableName,
  CREDENTIALS_TABLE: tables.credentials.tableName,
  HOOK_SOURCES_TABLE: tables.hookSources.tableName,
  RUNS_TABLE: tables.backfillRuns.tableName,
});

/**
 * Selects the variables that a function's `env.ts` needs, and no others. It does not compile if `available` lacks one.
 */
export function environmentOf<Name extends keyof Variables>(
  env: { readonly shape: Readonly<Record<Name, unknown>> },
  available: Readonly<Record<NoInfer<Name>, string>>,
): Record<string, string> {
  const given = Object.entries<string>(available).filter(([name]) => name in env.shape);
  return Object.fromEntries(given);
}
