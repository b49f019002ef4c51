import type { Address, BoardAddress, CommunityAddress, PersonAddress } from './address.ts';
import { endOf } from './address.ts';
import {
  boardPath,
  comparePath,
  explainPath,
  extensionsPath,
  grantsPath,
  historyPath,
  placePath,
  rulesPath,
  scorePath,
  seriesPath,
  type Answer,
  type Get,
  type SeriesAnswer,
} from './api.ts';
import { addDays, DAY_MS, daysBetween, timeOf, weekdayOf } from './dates.ts';
import type { GrantsView } from '../domain/grants/views.ts';
import type { Comparison, Site } from './site.ts';
import type { BoardData, CommunityData, PageState, PersonData } from './state.ts';

/** Rows of a page of a board. */
const PAGE_SIZE = 50;
/** Names are looked for among so many rows, and exactly among all. */
const ROWS_SEARCHED = 1_000;
const MATCHES_SHOWN = 50;
const LINES_A_PAGE = 25;
const NEWEST_LINES = 100;
const EXTENSIONS_SHOWN = 10;

/** How far back a board is compared with itself. */
export const comparisonOf = ({ boards }: Site, board: string): Comparison =>
  boards.find(({ name }) => name === board)?.compare ?? 'day';

export type Loading = { readonly get: Get; readonly today: string; readonly site: Site; readonly origin: string };

/** All that a page shows, read from the API. A part that fails says so in its place; the rest is there. */
export async function loadPage(address: Address, loading: Loading): Promise<PageState> {
  const shared = { today: loading.today, site: loading.site, origin: loading.origin };
  switch (address.page) {
    case 'board':
      return { ...shared, page: address.page, address, data: await loadBoard(address, loading) };
    case 'person':
      return { ...shared, page: address.page, address, data: await loadPerson(address, loading) };
    case 'community':
      return { ...shared, page: address.page, address, data: await loadCommunity(address, loading) };
    case 'rules':
      return { ...shared, page: address.page, address, data: { rules: await loading.get(rulesPath) } };
    case 'nothing':
      return { ...shared, page: address.page, address };
  }
}

async function loadBoard(address: BoardAddress, { get, today, site }: Loading): Promise<BoardData> {
  const board = address.board ?? site.boards[0]?.name ?? 'alltime';
  const { q, cursor, you } = address;
  const at = endOf(address.at, today);
  const compare = comparisonOf(site, board);
  const isSearch = q !== undefined;
  const rowsAsked = boardPath(board, {
    limit: isSearch ? ROWS_SEARCHED : PAGE_SIZE,
    at,
    cursor: isSearch ? undefined : cursor,
    compare,
  });
  const [rows, found, own] = await Promise.all([
    get(rowsAsked),
    isSearch ? get(placePath(board, q.toLowerCase(), { at })) : undefined,
    you === undefined ? undefined : get(placePath(board, you, { at })),
  ]);
  if (!isSearch || !rows.ok) return { board, rows, own };
  const { next: _, ...view } = rows.view;
  const matches = view.rows.filter(({ username }) => username.includes(q.toLowerCase()));
  const isAmong = matches.some(({ username }) => username === q.toLowerCase());
  const shown = { ...view, rows: matches.slice(0, MATCHES_SHOWN) };
  return { board, rows: { ok: true, view: shown }, found: isAmong ? undefined : found, own };
}

const CALENDAR_WEEKS = 53;
/** The API gives so many days at a time. */
const DAYS_AT_A_TIME = 366;

/** The calendar's first day: a Monday, so that today is in its last week. */
export const calendarStart = (today: string): string => addDays(today, -weekdayOf(today) - (CALENDAR_WEEKS - 1) * 7);

async function loadPerson({ username, cursor }: PersonAddress, { get, today }: Loading): Promise<PersonData> {
  const from = addDays(calendarStart(today), -1); // the day before tells what the first one added
  const middle = addDays(today, 1 - DAYS_AT_A_TIME);
  const [score, explained, earlier, later, newest, older, rules] = await Promise.all([
    get(scorePath(username)),
    get(explainPath(username)),
    daysBetween(from, middle) > 0 ? get(historyPath(username, from, addDays(middle, -1))) : undefined,
    get(historyPath(username, middle, today)),
    get(grantsPath(username, { limit: NEWEST_LINES })),
    cursor === undefined ? undefined : get(grantsPath(username, { limit: LINES_A_PAGE, cursor })),
    get(rulesPath),
  ]);
  const history =
    later.ok && earlier?.ok === true
      ? { ok: true as const, view: { days: [...earlier.view.days, ...later.view.days] } }
      : later;
  return { score, explained, history, grants: older ?? firstPageOf(newest), newest, rules };
}

/** The first page of the ledger, out of the lines that are there already. */
function firstPageOf(newest: Answer<GrantsView>): Answer<GrantsView> {
  if (!newest.ok || newest.view.grants.length <= LINES_A_PAGE) return newest;
  const grants = newest.view.grants.slice(0, LINES_A_PAGE);
  return { ok: true, view: { grants, next: String(grants.at(-1)?.seq ?? 1) } };
}

async function loadCommunity({ days, sort }: CommunityAddress, { get, today }: Loading): Promise<CommunityData> {
  const end = timeOf(today);
  const since = end - (days - 1) * DAY_MS;
  const before = since - days * DAY_MS;
  const [series, previous, day, week, extensions] = await Promise.all([
    get(seriesPath(since, end + 1)),
    get(seriesPath(before, since - 1)),
    get(comparePath('DAY')),
    get(comparePath('WEEK')),
    get(extensionsPath({ page_size: EXTENSIONS_SHOWN, sort })),
  ]);
  return { series, previous, day, week, extensions };
}

/** The values of a field by day; nothing where it was not answered. */
export const valuesOf = (series: Answer<SeriesAnswer>, field: string): readonly (number | null)[] =>
  series.ok ? (series.view[field] ?? []) : [];
