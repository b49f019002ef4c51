import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { hourPlaceOf } from '../../../../domain/metrics/hour-index.ts';
import type { Pulls } from '../../../../domain/registry/registry.port.ts';
import type { RandomToken } from '../../../../domain/shared/environment.ts';
import { hourOf } from '../../../../domain/shared/utc.ts';
import { putOnce } from '../shared/put-once.ts';
import { authorPk, pullSk } from './registry.items.ts';
import { findVersionIn } from './registry.ts';

export function dynamoPulls(client: DynamoDBClient, tableName: string, randomToken: RandomToken): Pulls {
  const table = { client, tableName, randomToken };
  return {
    findVersion: findVersionIn(client, tableName),
    recordPull(author, { name, version, puller }, at, { isCounted }) {
      const hour = hourOf(at);
      const place = isCounted ? hourPlaceOf(hour, `${name}#${puller}`) : { hour };
      return putOnce(table, { pk: authorPk(author), sk: pullSk(name, version, puller), ...place });
    },
  };
}
