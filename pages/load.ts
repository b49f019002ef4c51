import type { Address, BoardAddress, CommunityAddress, PersonAddress } from './address.ts';
import { endOf } from './address.ts';
import {
  boardPath,
  comparePath,
  explainPath,
  extensionsPath,
  grantsPath,
  historyPath,
  hoursPath,
  isFault,
  placePath,
  rulesPath,
  scorePath,
  seriesPath,
  usersPath,
  type Answer,
  type Get,
  type SeriesAnswer,
} from './api.ts';
import { addDays, DAY_MS, daysBetween, timeOf, weekdayOf } from './dates.ts';
import type { BoardPlaceView, BoardView } from '../domain/leaderboards/views.ts';
import type { HistoryView } from '../domain/scoring/views.ts';
import type { CalendarDay } from './charts/calendar.tsx';
import type { GrantsView } from '../domain/grants/views.ts';
import type { Comparison, Site } from './site.ts';
import type { BoardData, CommunityData, PageState, PersonData, TierCounts } from './state.ts';

/** How many rows a page of a board shows. */
const PAGE_SIZE = 50;
/** The rows in which a search finds a part of a name. Below them it finds the beginning of a name. */
const ROWS_SEARCHED = 1_000;
const MATCHES_SHOWN = 50;
/** Names that begin with a text: each of them costs the read of its rank. */
const NAMES_LOOKED_UP = 10;
const LINES_A_PAGE = 25;
const NEWEST_LINES = 100;
const EXTENSIONS_SHOWN = 10;
/** The API gives the hours of that many days at once. */
const DAYS_OF_HOURS = 90;

/** How far back a board is compared with itself. */
export const comparisonOf = ({ boards }: Site, board: string): Comparison =>
  boards.find(({ name }) => name === board)?.compare ?? 'day';

export type Loading = { readonly get: Get; readonly today: string; readonly site: Site; readonly origin: string };

/** All that a page shows, read from the API. A part that fails shows that in its place; the rest is there. */
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
  const rowsAsked = (of: { readonly limit: number; readonly cursor?: string | undefined }) =>
    get(boardPath(board, { ...of, at, compare }));
  const placeOf = (username: string) => get(placePath(board, username, { at }));
  const [shown, own] = await Promise.all([
    q === undefined
      ? rowsAsked({ limit: PAGE_SIZE, cursor }).then((rows) => ({ rows }))
      : searchBoard(q.toLowerCase(), () => rowsAsked({ limit: ROWS_SEARCHED }), placeOf, get),
    you === undefined ? undefined : placeOf(you),
  ]);
  return { board, ...shown, own };
}

/** The rows whose names have a text in them, or begin with it, with their ranks on the whole board. */
async function searchBoard(
  text: string,
  firstRows: () => Promise<Answer<BoardView>>,
  placeOf: (username: string) => Promise<Answer<BoardPlaceView>>,
  get: Get,
): Promise<Pick<BoardData, 'rows' | 'search'>> {
  const rows = await firstRows();
  if (!rows.ok) return { rows };
  const { next, ...view } = rows.view;
  const matches = view.rows.filter(({ username }) => username.includes(text));
  const found = next === undefined ? undefined : await get(usersPath(text, NAMES_LOOKED_UP));
  // `usersPath` does not find a name that was given up, but that name still leads to its account.
  const names = new Set([text, ...(found?.ok === true ? found.view.users.map(({ username }) => username) : [])]);
  for (const { username } of matches) names.delete(username);
  const places = await Promise.all([...names].map(async (username) => ({ username, place: await placeOf(username) })));
  const ranks = new Set(matches.map(({ rank }) => rank));
  const others = places.flatMap(({ username, place }) => {
    if (!place.ok || ranks.has(place.view.rank)) return [];
    const { rank, points, canonicalScore, tier } = place.view;
    ranks.add(rank);
    return [{ rank, username, points, canonicalScore, tier }];
  });
  const all = [...matches, ...others].sort((one, other) => one.rank - other.rank);
  const isCut = all.length > MATCHES_SHOWN || (found?.ok === true && found.view.users.length === NAMES_LOOKED_UP);
  return {
    rows: { ok: true, view: { ...view, rows: all.slice(0, MATCHES_SHOWN) } },
    // Refused is also a text that no name begins with, and a name that is not on the board.
    search: [found, ...places.map(({ place }) => place)].find(isFault) ?? { ok: true, view: { isCut } },
  };
}

const CALENDAR_WEEKS = 53;
/** The API gives that many days at a time. */
const DAYS_AT_A_TIME = 366;

/** The calendar's first day: a Monday, so that today is in its last week. */
const calendarStart = (today: string): string => addDays(today, -weekdayOf(today) - (CALENDAR_WEEKS - 1) * 7);

/** The scores of the days that the calendar shows, and of the day before, which tells what the first one added. */
export async function loadYear(get: Get, username: string, today: string): Promise<Answer<HistoryView>> {
  const from = addDays(calendarStart(today), -1);
  const middle = addDays(today, 1 - DAYS_AT_A_TIME);
  const [earlier, later] = await Promise.all([
    from < middle ? get(historyPath(username, from, addDays(middle, -1))) : undefined,
    get(historyPath(username, middle, today)),
  ]);
  if (!later.ok || earlier?.ok !== true) return later;
  return { ok: true, view: { days: [...earlier.view.days, ...later.view.days] } };
}

/** What each day of the calendar added to the score. */
export function gainsOf({ days }: HistoryView, today: string): CalendarDay[] {
  const start = calendarStart(today);
  const scores = new Map(days.map(({ date, canonicalScore }) => [date, canonicalScore]));
  return Array.from({ length: daysBetween(start, today) + 1 }, (_, index) => {
    const date = addDays(start, index);
    const score = scores.get(date);
    return { date, gained: score === undefined ? null : score - (scores.get(addDays(date, -1)) ?? 0) };
  });
}

async function loadPerson({ username, cursor }: PersonAddress, { get, today }: Loading): Promise<PersonData> {
  const [score, explained, history, newest, older, rules] = await Promise.all([
    get(scorePath(username)),
    get(explainPath(username)),
    loadYear(get, username, today),
    get(grantsPath(username, { limit: NEWEST_LINES })),
    cursor === undefined ? undefined : get(grantsPath(username, { limit: LINES_A_PAGE, cursor })),
    get(rulesPath),
  ]);
  return { score, explained, history, grants: older ?? firstPageOf(newest), newest, rules };
}

/** The first page of the ledger, out of the lines that are there already. */
function firstPageOf(newest: Answer<GrantsView>): Answer<GrantsView> {
  if (!newest.ok || newest.view.grants.length <= LINES_A_PAGE) return newest;
  const grants = newest.view.grants.slice(0, LINES_A_PAGE);
  return { ok: true, view: { ...newest.view, grants, next: String(grants.at(-1)?.seq ?? 1) } };
}

/** The hours that the page of the community shows, of as many days as the API gives at once. */
export function hoursShown({ days }: CommunityAddress, today: string) {
  const end = timeOf(today);
  return hoursPath(end - (Math.min(days, DAYS_OF_HOURS) - 1) * DAY_MS, end + 1);
}

async function loadCommunity(address: CommunityAddress, { get, today, site }: Loading): Promise<CommunityData> {
  const { days, sort } = address;
  const end = timeOf(today);
  const since = end - (days - 1) * DAY_MS;
  const before = since - days * DAY_MS;
  const [series, previous, hours, day, week, extensions, board] = await Promise.all([
    get(seriesPath(since, end + 1)),
    get(seriesPath(before, since - 1)),
    get(hoursShown(address, today)),
    get(comparePath('DAY')),
    get(comparePath('WEEK')),
    get(extensionsPath({ page_size: EXTENSIONS_SHOWN, sort })),
    get(boardPath('alltime', { limit: 1 })),
  ]);
  return { series, previous, hours, day, week, extensions, board: board.ok ? tierCounts(board.view, site) : board };
}

/** Tiers that nobody has are left out; one that the rules do not know any more comes last. */
function tierCounts({ tiers: counts = {}, total }: BoardView, { tiers }: Site): Answer<TierCounts> {
  const names = new Set([...tiers, ...Object.keys(counts)]);
  const parts = [...names].map((name) => ({ name, value: counts[name] ?? 0 }));
  return { ok: true, view: { parts: parts.filter(({ value }) => value > 0), total } };
}

/** The values of a field by day; nothing where it was not answered. */
export const valuesOf = (series: Answer<SeriesAnswer>, field: string): readonly (number | null)[] =>
  series.ok ? (series.view[field] ?? []) : [];
