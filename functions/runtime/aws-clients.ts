import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { leanCalls } from './lean-calls.ts';

type Patience = {
  readonly connectionTimeout: number;
  /** For a whole answer, and for each pause in one, because the SDK stops this clock at an answer's first byte. */
  readonly requestTimeout: number;
  /**
   * All tries of a call that was lost, throttled or answered with 5xx. The SDK pauses at random: up to 0.05 s before
   * the second try and 0.1 s before the third, twenty times that after throttling.
   */
  readonly maxAttempts: number;
};

/** By the caller that waits. Without it, the SDK would wait forever. */
const PATIENCE = {
  /** A client of the API: an endpoint that never answers is given up after 6 s of the function's 10. */
  api: { connectionTimeout: 1_000, requestTimeout: 3_000, maxAttempts: 2 },
  /** A queue, a stream or a schedule: 30 s of a worker's 60. */
  worker: { connectionTimeout: 1_000, requestTimeout: 10_000, maxAttempts: 3 },
  /** A function that waits for another one: its client has 10 s for both. A second try would call it again. */
  forward: { connectionTimeout: 1_000, requestTimeout: 9_000, maxAttempts: 1 },
} as const satisfies Record<string, Patience>;

/** More than one invocation calls at a time: a call that waited for a free connection would use up its own time. */
const MAX_SOCKETS = 200;

const configOf = ({ connectionTimeout, requestTimeout, maxAttempts }: Patience) => ({
  maxAttempts,
  retryMode: 'standard',
  cacheMiddleware: true, // a command's steps are put in order once
  requestHandler: {
    connectionTimeout,
    requestTimeout,
    throwOnRequestTimeout: true, // without it the SDK warns, and goes on waiting
    socketTimeout: requestTimeout,
    httpAgent: { maxSockets: MAX_SOCKETS },
    httpsAgent: { maxSockets: MAX_SOCKETS },
  },
});

/** The only way in which a function makes a client. */
export function dynamodbClient(who: keyof typeof PATIENCE, shorter: Partial<Patience> = {}): DynamoDBClient {
  const client = new DynamoDBClient(configOf({ ...PATIENCE[who], ...shorter }));
  leanCalls(client, 'DynamoDB_20120810');
  return client;
}

export function sqsClient(who: keyof typeof PATIENCE, shorter: Partial<Patience> = {}): SQSClient {
  const client = new SQSClient(configOf({ ...PATIENCE[who], ...shorter }));
  leanCalls(client, 'AmazonSQS');
  return client;
}

export const lambdaClient = (who: 'forward'): LambdaClient => new LambdaClient(configOf(PATIENCE[who]));
