import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { hourOf } from '../../../../domain/shared/utc.ts';
import type { TrustedFacts } from '../../../../domain/telemetry/trusted-facts.port.ts';
import { userPk } from '../shared/item.ts';
import { putsGathered, type PutDeps } from '../shared/put-once.ts';
import { ISSUE_SK_PREFIX, SIGN_IN_SK_PREFIX } from './telemetry.items.ts';

export function dynamoTrustedFacts(client: DynamoDBClient, tableName: string, deps: PutDeps): TrustedFacts {
  const put = putsGathered({ client, tableName, ...deps });
  return {
    recordIssue: (username, issueId, at) =>
      put({ pk: userPk(username), sk: ISSUE_SK_PREFIX + issueId, hour: hourOf(at) }),
    recordSignIn: (username, date, at) => put({ pk: userPk(username), sk: SIGN_IN_SK_PREFIX + date, hour: hourOf(at) }),
  };
}
