import { Chance } from '../chance.ts';
import type { RawEvent } from '../../test/builders/telemetry.ts';
import { ERASABLE, LINKABLE } from './credentials.ts';
import type { Act, Step } from './steps.ts';

/** What some schedules do as well, between their steps. */

export const USERS = ['ada', 'bob', 'cy'] as const;
/** More than there ever are: releases all requests. */
export const ALL = 1_000;
const SHARE_OF_DEPLOYMENTS = 0.15;
const SHARE_OF_CHANGED_ACCOUNTS = 0.2;
const SHARE_OF_ERASURES = 0.15;
const SHARE_OF_IMPORTS = 0.25;
const SHARE_OF_LINKS = 0.2;

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

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Before and after the boundary of sealed days, and what clients send as well. */
const PAST = [0, 0, 30 * HOUR, 34.9 * DAY, 36 * DAY, 36 * DAY, 100 * DAY, 300 * DAY] as const;

/**
 * Some schedules import batches with facts of any age, also again: old telemetry changes sealed days. Deployments are left
 * out: a sealed day keeps the score of the rules of its time.
 */
export function withImports(seed: number, planned: readonly Planned[], startsAt: number): readonly Planned[] {
  const chance = new Chance(`imports ${seed}`);
  if (planned.some(({ act }) => act.kind === 'deploy') || !chance.happens(SHARE_OF_IMPORTS)) return planned;
  const [steps, devices] = [[...planned], ['d1', 'd2', 'd-old'] as const];
  const made = (): RawEvent => {
    const [number, username] = [chance.below(10), chance.of(USERS)];
    const hour = Math.floor((startsAt - chance.of(PAST)) / HOUR) * HOUR;
    const at = (minute: number) => new Date(hour + minute * 60_000).toISOString();
    // What happens once has one time, no matter who reports it.
    const once = new Date(startsAt - (40 + 30 * (number % 3)) * DAY).toISOString();
    const event = (name: string, timestamp: string, properties: object): RawEvent => ({
      ...{ event: name, distinct_id: chance.of(devices), insert_id: `e${number}`, timestamp },
      properties: { username, ...properties },
    });
    switch (
      chance.weighted({ cli_invocation: 6, issue_created: 2, daily_sign_in: 2, award: 1, feed_post_created: 1 })
    ) {
      case 'cli_invocation':
        return event('cli_invocation', at(chance.below(60)), { invocation: { command: chance.of(['model', 'repo']) } });
      case 'issue_created':
        return event('issue_created', once, { issue_id: `old-${number}` });
      case 'daily_sign_in':
        return event('daily_sign_in', `${once.slice(0, 10)}T00:30:00.000Z`, {});
      case 'award':
        return event('award', once, { award_id: `old-${number}`, points: 50, reason: 'helped' });
      case 'feed_post_created':
        return event('feed_post_created', once, { post_id: `old-${number}` });
    }
  };
  const batches = Array.from({ length: 1 + chance.below(3) }, () => Array.from({ length: 1 + chance.below(4) }, made));
  for (const events of [...batches, ...batches.slice(0, chance.below(3))]) {
    const at = chance.below(steps.length + 1);
    steps.splice(at, 0, { act: { kind: 'import', events }, requests: chance.of([0, 3, 14, ALL]) });
  }
  return steps;
}

/**
 * Some schedules link a login to an account, and unlink it, while things are reported under the login's own name. Roll-ups
 * and boards are left out: their models know no merges.
 */
export function withLinks(
  seed: number,
  planned: readonly Planned[],
  { startsAt, isLeftOut }: { readonly startsAt: number; readonly isLeftOut: boolean },
): readonly Planned[] {
  const chance = new Chance(`links ${seed}`);
  if (isLeftOut || hasFarJump(planned) || !chance.happens(SHARE_OF_LINKS)) return planned;
  const [steps, linked] = [[...planned], chance.of(['ada', 'bob'] as const)];
  const { username } = LINKABLE;
  const timestamp = new Date(startsAt - HOUR).toISOString();
  const told = (number: number, event: string, properties: object): RawEvent => ({
    ...{ event, distinct_id: 'a-server', insert_id: `l${number}`, timestamp },
    properties: { username, ...properties },
  });
  const actOf = (kind: 'link' | 'unlink' | 'issue' | 'post' | 'award', number: number): Act => {
    switch (kind) {
      case 'link':
      case 'unlink':
        return { kind, username: linked };
      case 'issue':
        return { kind: 'import', events: [told(number, 'issue_created', { issue_id: `i${number % 3}` })] };
      case 'post':
        return {
          kind: 'ingest',
          key: 'server',
          events: [told(number, 'feed_post_created', { post_id: `l${number}` })],
        };
      case 'award':
        return { kind, id: `l${number}`, username, points: chance.of([50, 700]) };
    }
  };
  let at = chance.below(steps.length + 1);
  const last = 3 + chance.below(4);
  for (let number = 0; number < last; number += 1) {
    const kind = chance.weighted({ link: 4, unlink: 2, issue: 2, post: 2, award: 2 });
    steps.splice(at, 0, { act: actOf(kind, number), requests: chance.of([0, 3, 14, ALL]) });
    at += 1 + chance.below(Math.min(3, steps.length - at));
  }
  return steps;
}
