import { emptyBalance, type Balance } from '../../domain/grants/balance.ts';
import { publishGrantOf } from '../../domain/registry/publish-grant.ts';
import { AccountId } from '../../domain/identity/account.ts';
import type { PublishedVersion, Publisher } from '../../domain/registry/extension.ts';
import type { Publication } from '../../domain/registry/registry.port.ts';
import { rulesVersion1 } from '../builders/rules.ts';
import { AT, decide } from '../builders/grants.ts';
import { aUsername, type User } from '../builders/identity.ts';

export const aPublisher = (name = aUsername(), kind: Publisher['kind'] = 'personal'): Publisher & { name: User } => ({
  kind,
  name,
});

export const aVersion = (change: Partial<PublishedVersion> = {}): PublishedVersion => {
  const publisher = change.publisher ?? aPublisher();
  const credited = [AccountId.parse(publisher.name)];
  return {
    name: 'net',
    version: '2026.08.21.1',
    channel: 'stable',
    publisher,
    credited,
    publishedAt: AT,
    revision: 1,
    ...change,
  };
};

let writes = 0;

/**
 * A version with its publish grants, decided on these balances. By default it is the first version of its extension.
 */
export function aPublication(
  version: PublishedVersion,
  { balances = new Map(), ...change }: Partial<Publication> & { balances?: ReadonlyMap<AccountId, Balance> } = {},
): Publication {
  writes += 1;
  const writeId = `publication-${writes}`;
  const grants = version.credited.map((account) => {
    const before = balances.get(account) ?? emptyBalance;
    const { lines, balance: after } = decide(before, [publishGrantOf(version, account, before, rulesVersion1)]);
    return { username: account, before, lines, after, writeId };
  });
  return { version, extension: undefined, grants, writeId, ...change };
}
