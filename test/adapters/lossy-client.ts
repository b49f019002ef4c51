import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TestEngine } from '../support/engines.ts';
import { RETRY_AT_ONCE } from '../../proof/faults.ts';
import { faultAt, Wire } from '../../proof/wire.ts';

/**
 * A client whose first request is executed, but whose answer is lost: the SDK repeats the request and finds its own
 * write.
 */
export function aLossyClient(engine: TestEngine): DynamoDBClient {
  return new Wire(faultAt(1, 'lost after')).attach(engine.client({ retryStrategy: RETRY_AT_ONCE }));
}
