import { PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Profiles } from '../../../domain/scoring/profiles.port.ts';
import { toProfileItem } from './score-store.items.ts';

export const dynamoProfiles = (client: DynamoDBClient, tableName: string): Profiles => ({
  async setHidden(username, isHidden) {
    await client.send(new PutItemCommand({ TableName: tableName, Item: toProfileItem(username, isHidden) }));
  },
});
