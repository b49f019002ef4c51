import { UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { AccountId } from '../../../../domain/identity/account.ts';
import type { Profiles } from '../../../../domain/scoring/profiles.port.ts';
import type { Random, Sleep } from '../../../../domain/shared/environment.ts';
import { getAll } from '../shared/get-all.ts';
import { parseProfileItem, updateOfChoice } from './profile.items.ts';
import { usernameOf, userPk } from '../shared/item.ts';
import { PROFILE_SK } from '../../../runtime/names.ts';

export const dynamoProfiles = (
  client: DynamoDBClient,
  tableName: string,
  deps: { readonly random: Random; readonly sleep: Sleep },
): Profiles => ({
  async setHidden(account, isHidden) {
    await client.send(new UpdateItemCommand({ TableName: tableName, ...updateOfChoice(account, isHidden) }));
  },

  async hiddenAmong(usernames) {
    const keys = usernames.map((username) => ({ pk: userPk(AccountId.parse(username)), sk: PROFILE_SK }));
    const profiles = await getAll(client, tableName, keys, deps);
    return new Set(profiles.filter((item) => parseProfileItem(item).isHidden).map(usernameOf));
  },
});
