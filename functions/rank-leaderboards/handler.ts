import * as z from 'zod/mini';
import { rankedAccounts } from '../../domain/leaderboards/board.ts';
import { buildBoards } from '../../domain/leaderboards/build-boards.ts';
import { RankRequested } from '../../domain/messages/rank.message.ts';
import { rankOnRequest, type RankDeps } from '../../domain/leaderboards/rank-on-request.ts';
import { rulebook } from '../../domain/rules/current-rules.ts';
import type { RulesHistory } from '../../domain/rules/rules-history.port.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { diskSorter } from '../adapters/disk/external-sorter.ts';
import { dynamoAccounts } from '../adapters/dynamodb/identity/accounts.ts';
import { dynamoLeaderboardStore } from '../adapters/dynamodb/leaderboards/leaderboard-store.ts';
import { dynamoRulesHistory } from '../adapters/dynamodb/leaderboards/rules-history.ts';
import { dynamoStandings } from '../adapters/dynamodb/leaderboards/standings.ts';
import { sqsSender } from '../adapters/sqs/queue.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { clock, random, sha256, sleep } from '../runtime/environment.ts';
import { logger } from '../runtime/log.ts';
import { logDateAhead } from '../runtime/log-date-ahead.ts';
import { once } from '../runtime/once.ts';
import { sqsBatch } from '../runtime/sqs-batch.ts';
import { RankLeaderboardsEnv } from './env.ts';

const wired = once((): RankDeps & { readonly rulesHistory: RulesHistory } => {
  const env = RankLeaderboardsEnv.parse(process.env);
  const dynamodb = dynamodbClient('worker');
  const sqs = sqsClient('worker');
  const accounts = dynamoAccounts(dynamodb, env.ACCOUNTS_TABLE, { random, sleep });
  return {
    standings: dynamoStandings(dynamodb, env.SCORES_TABLE),
    whoIsRanked: () => rankedAccounts(accounts),
    accounts,
    store: dynamoLeaderboardStore(dynamodb, env.LEADERBOARDS_TABLE, sha256),
    rulesHistory: dynamoRulesHistory(dynamodb, env.LEADERBOARDS_TABLE),
    newSorter: diskSorter(),
    requestLater: (delaySeconds, request) =>
      sqsSender(sqs, env.RANK_QUEUE_URL, { random, sleep }, { delaySeconds })([request]),
    clock,
    sha256,
  };
});

/** The first build with other rules tells when they came into force. */
const noteRules = ({ rulesHistory }: { readonly rulesHistory: RulesHistory }) =>
  rulesHistory.note(rulebook.inForce.version, isoOf(clock()));

const drain = sqsBatch({
  message: RankRequested,
  about: () => 'boards', // one build covers all messages
  parallel: 1,
  wire: wired,
  async onMessages(deps, messages) {
    await noteRules(deps);
    const outcome = await rankOnRequest(deps, messages);
    if (outcome.kind === 'built') for (const { board, asOf } of outcome.ahead) logDateAhead(board, asOf);
    logger.info('rank', { ...outcome, messages: messages.length });
  },
});

const Delivery = z.object({ Records: z.array(z.unknown()) });
const WholeWork = z.strictObject({});

/**
 * Its queue feeds it: it then builds the boards unless a build has covered the change. Invoked with `{}`, it builds all
 * boards now, and answers when readers see them.
 */
export async function handler(event: unknown, context?: unknown) {
  if (Delivery.safeParse(event).success) return drain(event, context);
  WholeWork.parse(event);
  await noteRules(wired());
  const boards = await buildBoards(wired());
  logger.info('boards built', { boards });
  return { status: 'done', boards };
}
