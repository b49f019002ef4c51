/**
 * The registry a second time, in the plainest form and from the words of the contract and of the scoring rules alone: nothing
 * here is taken from the code under test.
 */

/** `user:ada`, `collective:guild` or `admin`. */
export type Actor = string;

/** What somebody asks of the registry. */
export type Operation =
  | {
      readonly kind: 'confirm';
      readonly by: Actor;
      readonly name: string;
      readonly version: string;
      readonly hash: string;
    }
  | { readonly kind: 'yank' | 'unyank'; readonly by: Actor; readonly name: string; readonly version: string }
  | { readonly kind: 'transfer'; readonly by: Actor; readonly name: string; readonly to: string }
  | { readonly kind: 'pull'; readonly name: string; readonly version: string; readonly puller: string };

type Version = {
  readonly publisher: Actor;
  readonly hash: string;
  readonly credited: readonly string[];
  readonly isYanked: boolean;
  readonly pullers: readonly string[];
};

/** Everything that is known, by names and by `name@version`. */
export type State = {
  readonly owners: Readonly<Record<string, { readonly owner: Actor; readonly before: Actor | null }>>;
  readonly versions: Readonly<Record<string, Version>>;
};

export const nothing: State = { owners: {}, versions: {} };

/** Who is a member of what, and who has which device: both change only while nothing else goes on. */
export type Surroundings = {
  readonly members: ReadonlyMap<string, readonly string[]>;
  readonly devices: ReadonlyMap<string, string>;
};

/** One operation on one state: what it is answered, and what is so afterwards. */
export function perform(state: State, operation: Operation, { members }: Surroundings): [string, State] {
  const extension = state.owners[operation.name];
  if (operation.kind === 'transfer') {
    if (extension === undefined) return ['unknown', state];
    const { owner, before } = extension;
    const to = members.has(operation.to) ? `collective:${operation.to}` : `user:${operation.to}`;
    const mayAgain = owner === to && before !== null && (operation.by === 'admin' || operation.by === before);
    if (operation.by !== 'admin' && operation.by !== owner && !mayAgain) return ['not-owner', state];
    if (owner === to) return ['done', state];
    return ['done', { ...state, owners: { ...state.owners, [operation.name]: { owner: to, before: owner } } }];
  }

  const place = `${operation.name}@${operation.version}`;
  const version = state.versions[place];
  const withVersion = (next: Version): State => ({ ...state, versions: { ...state.versions, [place]: next } });
  switch (operation.kind) {
    case 'confirm': {
      const { by, hash } = operation;
      if (version !== undefined)
        return [version.publisher === by && version.hash === hash ? 'stands' : 'conflict', state];
      if (extension !== undefined && extension.owner !== by) return ['not-owner', state];
      const [kind, who] = by.split(':') as [string, string];
      const credited = kind === 'user' ? [who] : members.get(who)!;
      const owners = { ...state.owners, [operation.name]: extension ?? { owner: by, before: null } };
      return ['stands', { ...withVersion({ publisher: by, hash, credited, isYanked: false, pullers: [] }), owners }];
    }
    case 'yank':
    case 'unyank':
      if (extension === undefined) return ['unknown', state];
      if (operation.by !== 'admin' && operation.by !== extension.owner) return ['not-owner', state];
      if (version === undefined) return ['unknown', state];
      return ['done', withVersion({ ...version, isYanked: operation.kind === 'yank' })];
    case 'pull':
      if (version === undefined) return ['unknown', state];
      return [
        'stands',
        withVersion({ ...version, pullers: [...new Set([...version.pullers, operation.puller])].sort() }),
      ];
  }
}

/** One try of an operation: what it was answered, or null where no answer came and it may have been done or not. */
export type Try = string | null;
export type Tried = { readonly operation: Operation; readonly tries: readonly Try[] };

const keyOf = (state: State): string =>
  JSON.stringify([Object.entries(state.owners).sort(), Object.entries(state.versions).sort()]);

/**
 * The states that may be after some operations at the same time: every order of their tries, one after the other, in which each
 * is answered as it was. Empty where there is no such order.
 */
export function statesAfter(before: readonly State[], wave: readonly Tried[], around: Surroundings): readonly State[] {
  const after = new Map<string, State>();
  const seen = new Set<string>();
  const go = (state: State, done: readonly number[]): void => {
    const here = `${done.join()} ${keyOf(state)}`;
    if (seen.has(here)) return;
    seen.add(here);
    if (wave.every(({ tries }, index) => done[index] === tries.length)) after.set(keyOf(state), state);
    for (const [index, { operation, tries }] of wave.entries()) {
      if (done[index] === tries.length) continue;
      const answer: Try = tries[done[index]!] ?? null;
      const next = done.map((count, place) => (place === index ? count + 1 : count));
      const [would, state2] = perform(state, operation, around);
      if (answer === null) go(state, next);
      if (answer === null || answer === would) go(state2, next);
    }
  };
  for (const state of before) {
    go(
      state,
      wave.map(() => 0),
    );
  }
  return [...after.values()];
}

/** What the rules say of a user: points of the publishes, points of the pulls, and the ids of the publish grants. */
export function worthOf(username: string, { versions }: State, { devices }: Surroundings) {
  const credited = Object.entries(versions).filter(([, version]) => version.credited.includes(username));
  const isOwn = (puller: string) =>
    puller === `user:${username}` || (puller.startsWith('device:') && devices.get(puller.slice(7)) === username);
  const live = credited.filter(([, { isYanked }]) => !isYanked).length;
  const pulls = credited.flatMap(([, { pullers }]) => pullers.filter((puller) => !isOwn(puller))).length;
  return {
    publishes: Math.min(5_000, 500 * live),
    pulls: Math.min(500, 5 * pulls),
    grants: credited.map(([place]) => `publish:${place}:${username}`).sort(),
  };
}
