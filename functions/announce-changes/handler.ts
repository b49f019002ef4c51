import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { announceChanges } from '../../domain/announcing/announce-changes.ts';
import { dynamoDeviceStore } from '../adapters/dynamodb/device-store.dynamodb.ts';
import { telemetryChange } from '../adapters/dynamodb/telemetry-changes.ts';
import { sqsSender } from '../adapters/sqs/queue.sqs.ts';
import { random, randomToken, sleep } from '../runtime/environment.ts';
import { streamBatch } from '../runtime/stream-batch.ts';
import { AnnounceChangesEnv } from './env.ts';

export const handler = streamBatch({
  read: telemetryChange,
  wire: () => {
    const env = AnnounceChangesEnv.parse(process.env);
    return {
      devices: dynamoDeviceStore(new DynamoDBClient(), env.TELEMETRY_TABLE, { random, sleep, randomToken }),
      requestRefreshes: sqsSender(new SQSClient(), env.SCORE_REFRESH_QUEUE_URL, { random, sleep }),
    };
  },
  onChanges: announceChanges,
});
