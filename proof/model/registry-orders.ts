import { pointsOn, type DatedFacts } from './scoring.ts';

/**
 * The registry's requests one after the other, with every answer: an owner, an offer, a version. If requests run at the
 * same time, every order is tried that explains their answers. `registry.ts` compares what is stored after requests that
 * are not one step, such as a yank of a whole channel.
 */

/** `user:ada`, `collective:guild` or `admin`. */
export type Actor = string;

/** A request to the registry. */
export type Operation =
  | {
      readonly kind: 'confirm';
      readonly by: Actor;
      readonly name: string;
      readonly version: string;
      readonly channel: string;
      readonly hash: string;
    }
  | {
      readonly kind: 'yank' | 'unyank';
      readonly by: Actor;
      readonly name: string;
      readonly version?: string | undefined;
      readonly channel?: string | undefined;
    }
  | { readonly kind: 'transfer'; readonly by: Actor; readonly name: string; readonly to: string }
  | { readonly kind: 'accept'; readonly by: Actor; readonly name: string }
  | { readonly kind: 'pull'; readonly name: string; readonly version: string; readonly puller: string };

type Version = {
  readonly publisher: Actor;
  readonly channel: string;
  readonly hash: string;
  readonly credited: readonly string[];
  readonly isYanked: boolean;
  readonly pullers: readonly string[];
};

type Owned = { readonly owner: Actor; readonly before: Actor | null; readonly offered: Actor | null };

/** Everything that is stored, by names and by `name@version`. */
export type State = {
  readonly owners: Readonly<Record<string, Owned>>;
  readonly versions: Readonly<Record<string, Version>>;
};

export const nothing: State = { owners: {}, versions: {} };

/** Members of collectives and owners of devices. Both change only while no other work is in flight. */
export type Surroundings = {
  readonly members: ReadonlyMap<string, readonly string[]>;
  readonly devices: ReadonlyMap<string, string>;
};

/** One operation on one state: its answer, and the state afterwards. */
function perform(state: State, operation: Operation, { members }: Surroundings): [string, State] {
  const extension = state.owners[operation.name];
  const owned = (next: Owned): State => ({ ...state, owners: { ...state.owners, [operation.name]: next } });
  if (operation.kind === 'transfer') {
    if (extension === undefined) return ['unknown', state];
    const { owner, before } = extension;
    const to = members.has(operation.to) ? `collective:${operation.to}` : `user:${operation.to}`;
    if (operation.by !== 'admin' && operation.by !== owner) {
      return [owner === to && operation.by === before ? 'owned' : 'not-owner', state];
    }
    if (operation.by !== 'admin' && owner !== to) return ['offered', owned({ ...extension, offered: to })];
    return ['owned', owned({ owner: to, before: owner === to ? before : owner, offered: null })];
  }
  if (operation.kind === 'accept') {
    if (extension === undefined) return ['unknown', state];
    const { owner, offered } = extension;
    if (owner === operation.by) return ['done', state];
    if (offered === null) return ['unknown-offer', state];
    if (offered !== operation.by) return ['offered-to-another', state];
    return ['done', owned({ owner: offered, before: owner, offered: null })];
  }
  if (operation.kind === 'yank' || operation.kind === 'unyank') {
    const named = Object.entries(state.versions).filter(([at, each]) => isNamed(operation, at, each));
    const own = named.filter(([, { publisher }]) => operation.by === 'admin' || operation.by === publisher);
    if (named.length === 0) return ['unknown', state];
    if (own.length === 0) return ['not-owner', state];
    const changed = own.map(([at, each]) => [at, { ...each, isYanked: operation.kind === 'yank' }] as const);
    return ['done', { ...state, versions: { ...state.versions, ...Object.fromEntries(changed) } }];
  }

  const place = `${operation.name}@${operation.version}`;
  const version = state.versions[place];
  const withVersion = (next: Version): State => ({ ...state, versions: { ...state.versions, [place]: next } });
  switch (operation.kind) {
    case 'confirm': {
      const { by, hash, channel } = operation;
      if (version !== undefined) {
        const isSame = version.publisher === by && version.hash === hash && version.channel === channel;
        return [isSame ? 'accepted' : 'conflict', state];
      }
      if (extension !== undefined && extension.owner !== by) return ['not-owner', state];
      const [kind, who = ''] = by.split(':');
      const credited = kind === 'user' ? [who] : (members.get(who) ?? []);
      const owners = { ...state.owners, [operation.name]: extension ?? { owner: by, before: null, offered: null } };
      const first = { publisher: by, channel, hash, credited, isYanked: false, pullers: [] };
      return ['accepted', { ...withVersion(first), owners }];
    }
    case 'pull':
      if (version === undefined) return ['unknown', state];
      return [
        'accepted',
        withVersion({ ...version, pullers: [...new Set([...version.pullers, operation.puller])].sort() }),
      ];
  }
}

/**
 * True if a request names a version: by its number, otherwise by its channel, otherwise with all versions of the
 * extension.
 */
const isNamed = (
  { name, version, channel }: Pick<Operation & { readonly kind: 'yank' }, 'name' | 'version' | 'channel'>,
  place: string,
  { channel: own }: Version,
): boolean =>
  version === undefined
    ? place.startsWith(`${name}@2`) && (channel === undefined || channel === own)
    : place === `${name}@${version}`;

/** The newest version of a channel that is not yanked. */
export function latestOf({ versions }: State, name: string, channel: string): string | undefined {
  const numbers = (version: string) =>
    [version.slice(0, 10), version.slice(11).padStart(60, '0'), version.length].join();
  return Object.entries(versions)
    .filter(([place, each]) => !each.isYanked && isNamed({ name, channel }, place, each))
    .map(([place]) => place.slice(name.length + 1))
    .sort((a, b) => (numbers(a) < numbers(b) ? -1 : 1))
    .at(-1);
}

/** One try of an operation: its answer, or null without an answer, when it may have been executed or not. */
export type Try = string | null;
export type Tried = { readonly operation: Operation; readonly tries: readonly Try[] };

const keyOf = (state: State): string =>
  JSON.stringify([Object.entries(state.owners).sort(), Object.entries(state.versions).sort()]);

/**
 * The states that are possible after concurrent operations: one for every order of their tries in which each gets its
 * actual answer. Empty if there is no such order.
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
      const answer: Try = tries[done[index] ?? 0] ?? null;
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

/** A user's points of publishes and pulls, and the ids of the publish grants, by the rules. */
export function worthOf(username: string, { versions }: State, { devices }: Surroundings) {
  const credited = Object.entries(versions).filter(([, version]) => version.credited.includes(username));
  const isOwn = (puller: string) =>
    puller === `user:${username}` || (puller.startsWith('device:') && devices.get(puller.slice(7)) === username);
  const facts: DatedFacts = {
    ...{ events: [], issues: [], signIns: [], lines: [] },
    versions: credited.map(([, { isYanked }]) => ({ published: '', yanked: isYanked ? '' : null })),
    pulls: credited.flatMap(([, { pullers }]) => pullers.filter((puller) => !isOwn(puller))).map(() => ''),
  };
  const points = pointsOn('2026-08-21', facts);
  return {
    publishes: points['content:extension-publishes'],
    pulls: points['content:extension-pulls'],
    grants: credited.map(([place]) => `publish:${place}:${username}`).sort(),
  };
}
