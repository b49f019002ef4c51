import type { DynamoDBClient as RealClient } from '@aws-sdk/client-dynamodb';
import { current } from '../invocation.ts';

/** In place of the SDK's class where a handler makes its client: the one client of the simulation, a real one. */
export function DynamoDBClient(): RealClient {
  return current().surroundings.dynamodb;
}
