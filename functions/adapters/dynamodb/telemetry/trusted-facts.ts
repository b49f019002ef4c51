import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { hourOf } from '../../../../domain/shared/utc.ts';
import type { TrustedFacts } from '../../../../domain/telemetry/trusted-facts.port.ts';
import { userPk } from '../shared/item.ts';
import { putsGathered, type PutDeps } from '../shared/put-once.ts';
import { factSk } from './telemetry.items.ts';
import { toItem } from '../shared/format.ts';

export function dynamoTrustedFacts(client: DynamoDBClient, tableName: string, deps: PutDeps): TrustedFacts {
  const put = putsGathered({ client, tableName, ...deps });
  return {
    record: (account, event, id, at) =>
      put(toItem('report', { pk: userPk(account), sk: factSk(event, id), hour: hourOf(at) })),
  };
}
