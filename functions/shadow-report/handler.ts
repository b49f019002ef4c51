import type { ShadowReport } from '../../domain/grants/shadow-report.ts';
import { reportShadow } from '../../domain/scoring/report-shadow.ts';
import { dynamoGrantLines } from '../adapters/dynamodb/grants/grant-lines.ts';
import { AccountId } from '../../domain/identity/account.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoRegistry } from '../adapters/dynamodb/registry/registry.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/scoring/score-store.ts';
import { usersWith } from '../adapters/dynamodb/shared/users-with.ts';
import { BALANCE_SK } from '../adapters/dynamodb/grants/grant.items.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { random, sleep, surroundings } from '../runtime/environment.ts';
import { logger } from '../runtime/log.ts';
import { once } from '../runtime/once.ts';
import { ShadowReportEnv } from './env.ts';
import { SCORE_SK } from '../runtime/names.ts';

const wired = once(() => {
  const env = ShadowReportEnv.parse(process.env);
  const dynamodb = dynamodbClient('worker');
  return {
    lines: dynamoGrantLines(dynamodb, env.GRANTS_TABLE),
    scores: dynamoScoreStore(dynamodb, env.SCORES_TABLE),
    registry: dynamoRegistry(dynamodb, { registry: env.REGISTRY_TABLE, grants: env.GRANTS_TABLE }),
    scored: () => usersWith(dynamodb, env.SCORES_TABLE, SCORE_SK),
    granted: () => usersWith(dynamodb, env.GRANTS_TABLE, BALANCE_SK),
    names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
    random,
    sleep,
  };
});

/** Invoked by an operator. The event is not read. */
export const handler = async (): Promise<ShadowReport> => {
  const report = await withNames(await reportShadow(wired()));
  logger.info('shadow report', { users: report.users, ok: report.ok, flagged: report.flagged.length });
  return report;
};

async function withNames(report: ShadowReport): Promise<ShadowReport> {
  const accountOf = ({ username }: { readonly username: string }) => AccountId.parse(username);
  const nameOf = await wired().names.namesOf([...report.flagged, ...report.unreadable].map(accountOf));
  const named = <Row extends { readonly username: string }>(rows: readonly Row[]) =>
    rows.map((row) => ({ ...row, username: nameOf(accountOf(row)) }));
  return { ...report, flagged: named(report.flagged), unreadable: named(report.unreadable) };
}
