import { beforeEach, describe, expect, it } from 'vitest';
import type { Account, AccountId } from '../../../domain/identity/account.ts';
import { linkLogin, unlinkLogin, type LinkDeps } from '../../../domain/identity/link-login.ts';
import type { Login, Place } from '../../../domain/identity/logins.port.ts';
import { aUsername, namesAsIds } from '../../builders/identity.ts';

const [ada, bob] = [aUsername('ada'), aUsername('bob')];
const github = (id: number, login: string): Login => ({ place: 'github', id, login });

/** Accounts whose ids are their names, and logins, in memory. */
function aWorld() {
  const accounts = new Map<AccountId, Account>();
  const logins = new Map<string, Login>();
  const accountOf = (id: AccountId): Account =>
    accounts.get(id) ?? { id, username: aUsername(id), formerNames: [], merged: [], revision: 1 };
  const keyOf = (account: AccountId, place: Place) => `${account} ${place}`;
  const deps: LinkDeps = {
    names: namesAsIds,
    accounts: {
      load: async (id) => accountOf(id),
      async saveMerge(changes) {
        for (const { after } of changes) accounts.set(after.id, after);
        return 'saved';
      },
      holderOf: async (name) => ({ account: aUsername(name) }),
    },
    logins: {
      async find({ place, id }) {
        const [key, found] = [...logins].find(([, each]) => each.place === place && each.id === id) ?? [];
        return found && { account: aUsername(key?.split(' ')[0]), login: found.login };
      },
      ofAccount: async (account, place) => logins.get(keyOf(account, place)),
      async link(account, login) {
        const holder = (await deps.logins.find(login))?.account;
        if (holder !== undefined && holder !== account) return 'taken';
        logins.set(keyOf(account, login.place), login);
        return 'linked';
      },
      async unlink(account, place) {
        logins.delete(keyOf(account, place));
        return 'unlinked';
      },
    },
    hasMoved: async () => false,
    clock: () => 0,
    random: () => 0.5,
    sleep: async () => {},
  };
  return { deps, accountOf };
}

let world: ReturnType<typeof aWorld>;
beforeEach(() => {
  world = aWorld();
});
const mergedInto = (name: string) => world.accountOf(aUsername(name)).mergedInto;

describe('a login that is linked', () => {
  it('brings its own account along, also if nothing was reported of it yet', async () => {
    expect(await linkLogin(world.deps, ada, github(1, 'Octo'))).toEqual({ ok: true, value: 'linked' });
    expect(await linkLogin(world.deps, ada, github(1, 'Octo'))).toEqual({ ok: true, value: 'linked' });

    expect([mergedInto('gh-octo'), world.accountOf(ada).merged]).toEqual(['ada', ['gh-octo']]);
  });

  it('gives back what it brought when it is unlinked, or when another one takes its place', async () => {
    await linkLogin(world.deps, ada, github(1, 'Octo'));
    await linkLogin(world.deps, ada, github(2, 'Cat'));
    expect([mergedInto('gh-octo'), mergedInto('gh-cat')]).toEqual([undefined, 'ada']);

    await unlinkLogin(world.deps, ada, 'github');
    expect([mergedInto('gh-cat'), world.accountOf(ada).merged]).toEqual([undefined, []]);
  });

  it('keeps what it brought while it only gets another case', async () => {
    await linkLogin(world.deps, ada, github(1, 'octo'));
    const { revision } = world.accountOf(ada);
    await linkLogin(world.deps, ada, github(1, 'OCTO'));

    expect([mergedInto('gh-octo'), world.accountOf(ada).revision]).toEqual(['ada', revision]);
  });

  it('is nobody else’s, and takes nothing from an account that an admin merged into another one', async () => {
    await linkLogin(world.deps, ada, github(1, 'Octo'));
    expect(await linkLogin(world.deps, bob, github(1, 'Octo'))).toEqual({ ok: false, error: 'taken' });

    await linkLogin(world.deps, bob, github(2, 'Octo')); // the earlier login
    await unlinkLogin(world.deps, bob, 'github');
    expect(mergedInto('gh-octo')).toBe('ada');
  });

  it('is told if what it did before cannot be merged, because 20 accounts are merged already', async () => {
    const { deps } = world;
    const many = { ...world.accountOf(ada), merged: Array.from({ length: 20 }, (_, n) => aUsername(`old-${n}`)) };
    await deps.accounts.saveMerge([{ before: many, after: many }]);

    expect(await linkLogin(deps, ada, github(1, 'Octo'))).toEqual({ ok: false, error: 'too-many' });
    expect([mergedInto('gh-octo'), (await deps.logins.find(github(1, '')))?.account]).toEqual([undefined, 'ada']);
  });
});
