import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { RandomToken } from '../../../../domain/shared/environment.ts';
import { hourOf } from '../../../../domain/shared/utc.ts';
import type { TrustedFacts } from '../../../../domain/telemetry/trusted-facts.port.ts';
import { putOnce } from '../shared/put-once.ts';
import { ISSUE_SK_PREFIX, SIGN_IN_SK_PREFIX, userPk } from './telemetry.items.ts';

export function dynamoTrustedFacts(client: DynamoDBClient, tableName: string, randomToken: RandomToken): TrustedFacts {
  const table = { client, tableName, randomToken };
  return {
    recordIssue: (username, issueId, at) =>
      putOnce(table, { pk: userPk(username), sk: ISSUE_SK_PREFIX + issueId, hour: hourOf(at) }),
    recordSignIn: (username, date, at) =>
      putOnce(table, { pk: userPk(username), sk: SIGN_IN_SK_PREFIX + date, hour: hourOf(at) }),
  };
}
