import { withQuery } from './api.ts';
import { isDate } from './dates.ts';
import { UNSEEN } from './format.ts';

/** All that a reader chose, as the address of the page has it: what is not there was not chosen. */
export type Address =
  | {
      readonly page: 'board';
      readonly board?: string | undefined;
      readonly at?: string | undefined;
      readonly q?: string | undefined;
      readonly cursor?: string | undefined;
      readonly you?: string | undefined;
    }
  | {
      readonly page: 'person';
      readonly username: string;
      readonly cursor?: string | undefined;
      /** Explanations and tables that are open. */
      readonly open: readonly string[];
    }
  | { readonly page: 'community'; readonly days: number; readonly sort: string; readonly open: readonly string[] }
  | { readonly page: 'rules'; readonly inputs: Readonly<Record<string, number>> }
  | { readonly page: 'nothing' };

export type BoardAddress = Extract<Address, { page: 'board' }>;
export type PersonAddress = Extract<Address, { page: 'person' }>;
export type CommunityAddress = Extract<Address, { page: 'community' }>;
export type RulesAddress = Extract<Address, { page: 'rules' }>;

export const RANGES = [7, 30, 90, 365] as const;
const DEFAULT_RANGE = 30;
export const SORTS = ['pulls', 'versions', 'last_published'] as const;

const given = (value: string | null | undefined): string | undefined =>
  value === null || value === '' ? undefined : value;

/** A text as it is sent, without what nobody sees; too long a one is cut, for no name is that long. */
const textOf = (value: string | null): string | undefined => given(value?.replaceAll(UNSEEN, '').trim().slice(0, 200));
const listOf = (value: string | null): readonly string[] =>
  (value ?? '')
    .split(',')
    .filter((each) => each !== '')
    .slice(0, 200);

const segmentsOf = (path: string): readonly string[] => path.split('/').filter((segment) => segment !== '');

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** What an address asks for. Parameters that the page does not know are dropped. */
export function addressOf(path: string, search: string): Address {
  const query = new URLSearchParams(search);
  const [first, second = '', ...more] = segmentsOf(path);
  const at = query.get('at') ?? '';
  if (first === undefined) {
    return {
      page: 'board',
      board: textOf(query.get('board')),
      at: isDate(at) ? at : undefined,
      q: textOf(query.get('q')),
      cursor: given(query.get('cursor')),
      you: textOf(query.get('you'))?.toLowerCase(),
    };
  }
  if (first === 'people' && second !== '' && more.length === 0) {
    const cursor = given(query.get('cursor'));
    return { page: 'person', username: decoded(second).toLowerCase(), cursor, open: listOf(query.get('open')) };
  }
  if (first === 'community' && second === '') {
    const days = RANGES.find((range) => String(range) === query.get('days')) ?? DEFAULT_RANGE;
    const sort = SORTS.find((each) => each === query.get('sort')) ?? 'pulls';
    return { page: 'community', days, sort, open: listOf(query.get('open')) };
  }
  if (first === 'rules' && second === '') {
    const given = [...query].filter(([, value]) => /^\d{1,6}$/u.test(value)).slice(0, 50);
    return { page: 'rules', inputs: Object.fromEntries(given.map(([name, value]) => [name, Number(value)])) };
  }
  return { page: 'nothing' };
}

/** The address of the same choices; parameters at their default are left out. */
export function hrefOf(address: Address): string {
  switch (address.page) {
    case 'board': {
      const { page: _, ...query } = address;
      return withQuery('/', query);
    }
    case 'person': {
      const { username, cursor, open } = address;
      return withQuery(`/people/${encodeURIComponent(username)}`, { cursor, open: open.join(',') });
    }
    case 'community': {
      const { days, sort, open } = address;
      return withQuery('/community', {
        days: days === DEFAULT_RANGE ? undefined : days,
        sort: sort === 'pulls' ? undefined : sort,
        open: open.join(','),
      });
    }
    case 'rules':
      return withQuery('/rules', address.inputs);
    case 'nothing':
      return '/';
  }
}

/** The address with one more part opened, or closed where it was open. */
export const toggled = <Opening extends { readonly open: readonly string[] }>(
  address: Opening,
  part: string,
): Opening => ({
  ...address,
  open: address.open.includes(part) ? address.open.filter((each) => each !== part) : [...address.open, part],
});

export const personHref = (username: string): string => hrefOf({ page: 'person', username, open: [] });

/** The end of a date as the API takes a time; of today there is no end yet. */
export const endOf = (at: string | undefined, today: string): string | undefined =>
  at === undefined || at >= today ? undefined : `${at}T23:59:59.999Z`;
