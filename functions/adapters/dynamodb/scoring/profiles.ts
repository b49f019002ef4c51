import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { AccountId } from '../../../../domain/identity/account.ts';
import type { Profiles } from '../../../../domain/scoring/profiles.port.ts';
import type { Clock, Random, Sleep } from '../../../../domain/shared/environment.ts';
import { untilSaved, withoutPause } from '../../../../domain/shared/until-saved.ts';
import { isoOf } from '../../../../domain/shared/utc.ts';
import { toldOfChoice } from '../identity/accounts.ts';
import { getAll } from '../shared/get-all.ts';
import { chosenAtOf, parseProfileItem, profileKey, updateOfChoice } from './profile.items.ts';
import { usernameOf, userPk } from '../shared/item.ts';
import { writeTogether } from '../shared/write-together.ts';
import { PROFILE_SK } from '../../../runtime/names.ts';

export const dynamoProfiles = (
  client: DynamoDBClient,
  tableName: string,
  deps: { readonly random: Random; readonly sleep: Sleep },
): Pick<Profiles, 'hiddenAmong'> => ({
  async hiddenAmong(usernames) {
    const keys = usernames.map((username) => ({ pk: userPk(AccountId.parse(username)), sk: PROFILE_SK }));
    const profiles = await getAll(client, tableName, keys, { ...deps, isConsistent: false });
    return new Set(profiles.filter((item) => parseProfileItem(item).isHidden).map(usernameOf));
  },
});

/** The choice and what readers are told of it are one transaction: boards that are built already follow it, too. */
export const dynamoChoices = (
  client: DynamoDBClient,
  tables: { readonly scores: string; readonly accounts: string },
  { clock }: { readonly clock: Clock },
): Pick<Profiles, 'setHidden'> => ({
  async setHidden(account, isHidden) {
    await untilSaved(withoutPause('choice of an account'), async () => {
      const stored = new GetItemCommand({ TableName: tables.scores, Key: profileKey(account), ConsistentRead: true });
      const before = chosenAtOf((await client.send(stored)).Item);
      const at = isoOf(clock());
      const update = { TableName: tables.scores, ...updateOfChoice(account, isHidden, at, before) };
      const told = toldOfChoice(tables.accounts, account, isHidden, at, before);
      return (await writeTogether(client, [{ Update: update }, ...told])) ? 'saved' : 'stale';
    });
  },
});
