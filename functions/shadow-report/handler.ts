import type { ShadowReport } from '../../domain/grants/shadow-report.ts';
import { reportShadow } from '../../domain/consistency-check/report-shadow.ts';
import { dynamoGrantLines } from '../adapters/dynamodb/grants/grant-lines.ts';
import { AccountId } from '../../domain/identity/account.ts';
import { dynamoAccountNames } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoRegistry } from '../adapters/dynamodb/registry/registry.ts';
import { dynamoScoreStore } from '../adapters/dynamodb/scoring/score-store.ts';
import { dynamoBalancePlaces } from '../adapters/dynamodb/consistency-check/user-places.ts';
import { dynamodbClient } from '../runtime/aws-clients.ts';
import { clock, random, sleep, surroundings } from '../runtime/environment.ts';
import { InvalidEventError, InvocationContext } from '../runtime/invocation.ts';
import { logger } from '../runtime/log.ts';
import { once } from '../runtime/once.ts';
import { ShadowReportEnv } from './env.ts';

/** No page of users begins with less time. A page must take at most half of this. */
const LEFT_TO_BEGIN_MS = 7.5 * 60_000;

const wired = once(() => {
  const env = ShadowReportEnv.parse(process.env);
  const dynamodb = dynamodbClient('worker');
  return {
    lines: dynamoGrantLines(dynamodb, env.GRANTS_TABLE),
    scores: dynamoScoreStore(dynamodb, env.SCORES_TABLE),
    registry: dynamoRegistry(dynamodb, { registry: env.REGISTRY_TABLE, grants: env.GRANTS_TABLE }),
    places: dynamoBalancePlaces(dynamodb, { scores: env.SCORES_TABLE, grants: env.GRANTS_TABLE }),
    names: dynamoAccountNames(dynamodb, env.ACCOUNTS_TABLE, surroundings),
    clock,
    random,
    sleep,
  };
});

/** An operator invokes it, and again with the last `next` as `from` until `next` is null. */
export async function handler(event: unknown, context: unknown): Promise<ShadowReport> {
  const { getRemainingTimeInMillis } = InvocationContext.parse(context);
  const reported = await reportShadow(wired(), event, () => getRemainingTimeInMillis() > LEFT_TO_BEGIN_MS);
  if (!reported.ok) throw new InvalidEventError(reported.error);
  const report = await withNames(reported.value);
  logger.info('shadow report', { users: report.users, ok: report.ok, flagged: report.flagged.length });
  return report;
}

async function withNames(report: ShadowReport): Promise<ShadowReport> {
  const accountOf = ({ username }: { readonly username: string }) => AccountId.parse(username);
  const nameOf = await wired().names.namesOf([...report.flagged, ...report.unreadable].map(accountOf));
  const named = <Row extends { readonly username: string }>(rows: readonly Row[]) =>
    rows.map((row) => ({ ...row, username: nameOf(accountOf(row)) }));
  return { ...report, flagged: named(report.flagged), unreadable: named(report.unreadable) };
}
