import { boardAnnouncer, RANK_DELAY_SECONDS } from '../../domain/change-feed/announce-boards.ts';
import { announceRefreshes } from '../../domain/change-feed/announce-refreshes.ts';
import { announceErasures } from '../../domain/change-feed/announce-erasures.ts';
import { hourAnnouncer, ROLL_UP_DELAY_SECONDS } from '../../domain/change-feed/announce-hours.ts';
import { lateStreams } from '../../domain/change-feed/late-streams.ts';
import { refreshesLater } from '../../domain/change-feed/refreshes-later.ts';
import type { CommittedChange } from '../../domain/change-feed/committed-change.ts';
import { noteLateStreams } from '../adapters/dynamodb/consistency-check/check-notes.ts';
import { dynamoDeviceStore } from '../adapters/dynamodb/telemetry/device-store.ts';
import { ledgerChange } from '../adapters/dynamodb/change-feed/ledger-changes.ts';
import { registryChange } from '../adapters/dynamodb/change-feed/registry-changes.ts';
import { scoreChange } from '../adapters/dynamodb/change-feed/score-changes.ts';
import { readStreamRecord, type StreamChange } from '../adapters/dynamodb/change-feed/stream-record.ts';
import { telemetryChange } from '../adapters/dynamodb/change-feed/telemetry-changes.ts';
import { sqsSender } from '../adapters/sqs/queue.ts';
import { dynamodbClient, sqsClient } from '../runtime/aws-clients.ts';
import { clock, random, randomToken, sleep } from '../runtime/environment.ts';
import { logger } from '../runtime/log.ts';
import { streamBatch } from '../runtime/stream-batch.ts';
import { AnnounceChangesEnv } from './env.ts';

/** For the note of late streams: changes wait while it is written. */
const ONE_SHORT_TRY = { requestTimeout: 3_000, maxAttempts: 1 };

export const handler = streamBatch({
  read: (record, { readers }) =>
    readStreamRecord(record, (change) => {
      const reader = readers.get(change.table);
      if (reader === undefined) throw new Error(`a change of ${change.table}, whose stream nobody connected`);
      return reader(change);
    }),
  wire: () => {
    const env = AnnounceChangesEnv.parse(process.env);
    const sqs = sqsClient('worker');
    const dynamodb = dynamodbClient('worker');
    const sender = (queueUrl: string, delaySeconds = 0) =>
      sqsSender(sqs, queueUrl, { random, sleep }, { delaySeconds });
    return {
      readers: new Map<string, (change: StreamChange) => CommittedChange['change'] | undefined>([
        [env.TELEMETRY_TABLE, telemetryChange],
        [env.GRANTS_TABLE, ledgerChange],
        [env.REGISTRY_TABLE, registryChange],
        [env.SCORES_TABLE, scoreChange],
      ]),
      devices: dynamoDeviceStore(dynamodb, env.TELEMETRY_TABLE, { random, sleep, randomToken }),
      requestRefreshes: refreshesLater({
        request: (requests, seconds) => sender(env.SCORE_REFRESH_QUEUE_URL, seconds)(requests),
        delaySeconds: env.REFRESH_DELAY_SECONDS,
        clock,
      }),
      requestErasures: sender(env.ERASE_QUEUE_URL),
      announceHours: hourAnnouncer({
        requestRollUps: sender(env.ROLL_UP_QUEUE_URL, ROLL_UP_DELAY_SECONDS),
        clock,
      }),
      announceBoards: boardAnnouncer({ requestRanks: sender(env.RANK_QUEUE_URL, RANK_DELAY_SECONDS), clock }),
      late: lateStreams({
        note: noteLateStreams(dynamodbClient('worker', ONE_SHORT_TRY), env.RUNS_TABLE),
        reportFailure: (error) => logger.warn('late streams could not be noted', { error }),
        clock,
      }),
    };
  },
  async onChanges(deps, changes) {
    await announceErasures(deps, changes);
    await announceRefreshes(deps, changes);
    await deps.announceHours(changes);
    await deps.announceBoards(changes);
  },
  lateness: ({ late }) => late,
});
