import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { hourPlaceOf } from '../shared/hour-index.ts';
import type { Pulls } from '../../../../domain/registry/registry.port.ts';
import { hourOf } from '../../../../domain/shared/utc.ts';
import { getGathered } from '../shared/gather.ts';
import { putsGathered, type PutDeps } from '../shared/put-once.ts';
import { authorPk, pullSk } from './registry.items.ts';
import { findVersionBy } from './registry.ts';
import { toItem } from '../shared/format.ts';

export function dynamoPulls(client: DynamoDBClient, tableName: string, deps: PutDeps): Pulls {
  const put = putsGathered({ client, tableName, ...deps });
  return {
    findVersion: findVersionBy(getGathered(client, tableName)),
    recordPull(author, { name, version, puller }, at, { isCounted }) {
      const hour = hourOf(at);
      const place = isCounted ? hourPlaceOf(hour, `${name}#${puller}`) : { hour };
      return put(toItem('pull', { pk: authorPk(author), sk: pullSk(name, version, puller), ...place }));
    },
  };
}
