import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { AccountId } from '../../../../domain/identity/account.ts';
import { hourOf } from '../../../../domain/shared/utc.ts';
import type { TrustedFacts } from '../../../../domain/telemetry/trusted-facts.port.ts';
import { getOne } from '../shared/gather.ts';
import { userPk } from '../shared/item.ts';
import { putsGathered, type PutDeps } from '../shared/put-once.ts';
import { factSk } from './telemetry.items.ts';
import { toItem } from '../shared/format.ts';

export function dynamoTrustedFacts(client: DynamoDBClient, tableName: string, deps: PutDeps): TrustedFacts {
  const put = putsGathered({ client, tableName, ...deps });
  const get = getOne(client, tableName);
  const keyOf = (account: AccountId, event: string, id: string) => ({ pk: userPk(account), sk: factSk(event, id) });
  return {
    record: (account, event, id, at) => put(toItem('report', { ...keyOf(account, event, id), hour: hourOf(at) })),
    isThere: async (account, event, id) => (await get(marshall(keyOf(account, event, id)))) !== undefined,
  };
}
