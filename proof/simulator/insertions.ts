import { Chance } from '../chance.ts';
import { ERASABLE } from './credentials.ts';
import type { Act, Step } from './steps.ts';

/** What some schedules do as well, between their steps. */

export const USERS = ['ada', 'bob', 'cy'] as const;
/** More than there ever are: releases all requests. */
export const ALL = 1_000;
const SHARE_OF_DEPLOYMENTS = 0.15;
const SHARE_OF_CHANGED_ACCOUNTS = 0.2;
const SHARE_OF_ERASURES = 0.15;

/** The actions of a schedule in order, each with the number of requests to release after it. */
export type Planned = Pick<Step, 'act' | 'requests'>;

/**
 * Some schedules deploy other rules, and some of them the former ones again, while messages are on their way. Roll-ups
 * and boards are left out: they have no rules, or those of their last build.
 */
export function withDeployments(seed: number, planned: readonly Planned[], isLeftOut: boolean): readonly Planned[] {
  const chance = new Chance(`deployments ${seed}`);
  if (isLeftOut || hasFarJump(planned) || !chance.happens(SHARE_OF_DEPLOYMENTS)) return planned;
  const steps = [...planned];
  let at = chance.below(steps.length + 1);
  for (const rules of (['2', '1', '2'] as const).slice(0, chance.of([1, 1, 2, 3]))) {
    steps.splice(at, 0, { act: { kind: 'deploy', rules }, requests: chance.of([0, 3, 14]) });
    at += 1 + chance.below(steps.length - at);
  }
  return steps;
}

/** Days would be sealed under other rules, or names be free again that an account gave up. */
const hasFarJump = (planned: readonly Planned[]): boolean =>
  planned.some(({ act }) => act.kind === 'jump' && act.hours > 48);

/**
 * Some schedules rename accounts, also two to one name, or merge one that publishes nothing into another and take it
 * apart again. Roll-ups and boards are left out: their models know no merges.
 */
export function withChangedAccounts(seed: number, planned: readonly Planned[], isLeftOut: boolean): readonly Planned[] {
  const chance = new Chance(`accounts ${seed}`);
  if (isLeftOut || hasFarJump(planned) || !chance.happens(SHARE_OF_CHANGED_ACCOUNTS)) return planned;
  const [steps, into] = [[...planned], chance.of(['ada', 'bob'] as const)];
  const merges = chance.happens(0.7);
  let at = chance.below(steps.length);
  for (let left = 1 + chance.below(4); left > 0; left -= 1) {
    const username = chance.of(USERS);
    const kind = chance.weighted({ rename: 2, merge: merges ? 3 : 0, unmerge: merges ? 2 : 0 });
    const act: Act =
      kind === 'rename'
        ? { kind, username, to: chance.of([`${username}-x`, 'one-name', username]) }
        : { kind, username: 'cy', into };
    steps.splice(at, 0, { act, requests: chance.of([0, 3, 14, ALL]) });
    at += 1 + chance.below(steps.length - at);
  }
  return steps;
}

/**
 * Some schedules erase a user who sends events and gets awards, before and after. What comes after under the name belongs
 * to a new account. Roll-ups and boards are left out: their models know no erasures.
 */
export function withErasures(
  seed: number,
  planned: readonly Planned[],
  { startsAt, isLeftOut }: { readonly startsAt: number; readonly isLeftOut: boolean },
): readonly Planned[] {
  const chance = new Chance(`erasures ${seed}`);
  if (isLeftOut || hasFarJump(planned) || !chance.happens(SHARE_OF_ERASURES)) return planned;
  const { username, device } = ERASABLE;
  const timestamp = new Date(startsAt - 3_600_000).toISOString();
  const properties = { invocation: { command: 'model' } };
  const actOf = (kind: 'ingest' | 'award' | 'erase', number: number): Act => {
    switch (kind) {
      case 'ingest':
        return {
          kind,
          key: 'gus',
          events: [{ event: 'cli_invocation', distinct_id: device, insert_id: `g${number}`, timestamp, properties }],
        };
      case 'award':
        return { kind, id: `g${number}`, username, points: chance.of([50, 700]) };
      case 'erase':
        return { kind, username };
    }
  };
  const some = () => chance.weighted({ ingest: 2, award: 3 });
  const kinds = [
    'ingest',
    'award',
    some(),
    'erase',
    some(),
    chance.weighted({ ingest: 2, award: 3, erase: 1 }),
  ] as const;
  const steps = [...planned];
  let at = chance.below(steps.length + 1);
  for (const [number, kind] of kinds.slice(chance.below(3), 4 + chance.below(3)).entries()) {
    steps.splice(at, 0, { act: actOf(kind, number), requests: chance.of([0, 3, 14, ALL]) });
    at += 1 + chance.below(Math.min(3, steps.length - at));
  }
  return steps;
}
