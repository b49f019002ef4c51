import type { AccountNames } from '../identity/account-names.ts';
import type { Credential } from '../identity/credential.ts';
import { isSamePublisher, type Publisher } from './extension.ts';

/** Who asks for a change of an extension: its account or collective, or an admin. */
export type Maintainer = Publisher | 'admin';

/** The account that a key publishes as; undefined for a server's or an admin's key. */
export function publisherOf(credential: Credential): Publisher | undefined {
  switch (credential.kind) {
    case 'personal':
      return { kind: 'personal', name: credential.account };
    case 'collective':
      return { kind: 'collective', name: credential.slug };
    case 'service':
    case 'admin':
      return undefined;
  }
}

/** The maintainer that a key acts as; undefined if it may not maintain extensions. */
export const maintainerOf = (credential: Credential): Maintainer | undefined =>
  credential.kind === 'admin' ? 'admin' : publisherOf(credential);

/** Whether two publishers are one. Accounts that are merged are, and only two that differ are looked up. */
export async function areOne(
  { answering }: Pick<AccountNames, 'answering'>,
  a: Publisher,
  b: Publisher,
): Promise<boolean> {
  if (isSamePublisher(a, b)) return true;
  if (a.kind !== 'personal' || b.kind !== 'personal') return false;
  const [one, other] = [await answering(a.name), await answering(b.name)];
  return one !== undefined && one.account === other?.account;
}

/** Whether what this publisher has is the maintainer's to change. */
export const maintains = async (
  names: Pick<AccountNames, 'answering'>,
  maintainer: Maintainer,
  publisher: Publisher,
): Promise<boolean> => maintainer === 'admin' || (await areOne(names, maintainer, publisher));
