import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { addDays, dateOf, dayNumberOf, MILLISECONDS_PER_DAY, RequestDate } from '../../domain/shared/utc.ts';
import { jsonOf, sendHttp } from '../api.ts';
import type { HttpAccess } from '../connection.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT, OperatorError, usageError } from '../outcome.ts';
import { counted } from '../output.ts';

const LISTS = ['board', 'series', 'extensions', 'grants', 'history'] as const;
/** Lists of something that has a name. */
const NAMED: Readonly<Record<string, string>> = {
  board: 'the name of a board, such as alltime',
  grants: 'a username',
  history: 'a username',
};
/** No path of the API carries `..` or an empty name. */
const A_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/u;
const ROWS_A_PAGE = 1_000;
const DAYS_A_PAGE = 365;
const YEAR_DAYS = 365;

type Page = { readonly text: string; readonly next: string | null };
type Wanted = {
  readonly list: (typeof LISTS)[number];
  readonly name: string;
  readonly from: string;
  readonly to: string;
};

/** Adds `export-csv`. */
export function addExportCsvCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'export-csv <list> [name]',
    summary: 'write a list as CSV, page by page',
    options: [
      new Option('--output <file>', 'write to this file instead of stdout'),
      new Option('--from <date>', 'the first day of series and history (default: a year before the last)'),
      new Option('--to <date>', 'the last day, included (default: today)'),
    ],
    help: `
The lists are board (with the name of a board), series, extensions, grants and history (with a username). The columns are
those of the same list over the API with ?format=csv: RFC 4180, UTF-8, one header row. A cell that a spreadsheet would
run begins with an apostrophe. All pages of a board are of one moment.

  laurel export-csv board alltime --output board.csv
  laurel export-csv grants ada --output grants.csv
  laurel export-csv series --from 2025-08-21 --to 2026-08-21 --output series.csv
`,
    input: {
      list: z.enum(LISTS, `expected ${LISTS.join(', ')}`),
      name: z.string().optional(),
      output: z.string().optional(),
      from: z.optional(RequestDate),
      to: z.optional(RequestDate),
      json: z.literal(true).optional(),
    },
    async run({ connect, output, clock }, { list, name = '', output: path, json, ...dates }) {
      const expected = NAMED[list];
      if (expected !== undefined && !A_NAME.test(name)) throw usageError(`name: expected ${expected}`);
      if (expected === undefined && name !== '') throw usageError(`name: ${list} has none`);
      if (json && path === undefined) throw usageError('--json: needs --output, because stdout is the table');
      const to = dates.to ?? dateOf(clock());
      const from = dates.from ?? addDays(to, 1 - YEAR_DAYS);
      if (from > to) throw usageError('--to: expected a date not before --from');

      const http = connect().http();
      const target: Writable = path === undefined ? process.stdout : createWriteStream(path, { mode: 0o600 });
      const written = path === undefined ? undefined : finished(target);
      let pages = 0;
      for await (const text of textsOf(http, { list, name, from, to })) {
        pages += 1;
        if (!target.write(text)) await once(target, 'drain');
      }
      if (path === undefined) return EXIT.ok;
      target.end();
      await written;
      output.result({ list, pages, file: path }, `${counted(pages, 'page')} of ${list} written to ${path}`);
      return EXIT.ok;
    },
  });
}

/** The texts of all pages; only the first has the header row. */
async function* textsOf(http: HttpAccess, wanted: Wanted): AsyncGenerator<string> {
  let isFirst = true;
  for await (const { text } of pagesOf(http, wanted)) {
    yield isFirst ? text : withoutHeader(text);
    isFirst = false;
  }
}

const withoutHeader = (text: string): string => text.slice(text.indexOf('\r\n') + 2);

async function* pagesOf(http: HttpAccess, { list, name, from, to }: Wanted): AsyncGenerator<Page> {
  switch (list) {
    case 'board':
    case 'grants': {
      const path = list === 'board' ? `/v1/leaderboards/${encodeURIComponent(name)}` : `${scoreOf(name)}/grants`;
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Page = await read(http, path, { limit: `${ROWS_A_PAGE}`, ...(cursor === '' ? {} : { cursor }) });
        yield page;
        cursor = page.next;
      }
      return;
    }
    case 'extensions':
      for (let page = 1; ; page += 1) {
        const query = { page: `${page}`, page_size: `${ROWS_A_PAGE}`, sort: 'versions' };
        const found = await read(http, '/community-metrics/extensions', query);
        if (page > 1 && withoutHeader(found.text) === '') return;
        yield found;
      }
    case 'series':
    case 'history':
      for (let first = from; first <= to; first = addDays(first, DAYS_A_PAGE)) {
        const last = [addDays(first, DAYS_A_PAGE - 1), to].sort()[0] ?? to;
        yield await (list === 'history'
          ? read(http, `${scoreOf(name)}/history`, { from: first, to: last })
          : read(http, '/community-metrics/series', { since: epochMs(first), to: epochMs(addDays(last, 1)) }));
      }
  }
}

const scoreOf = (username: string): string => `/v1/scores/${encodeURIComponent(username)}`;
const epochMs = (date: string): string => `${dayNumberOf(date) * MILLISECONDS_PER_DAY}`;

const Problem = z.object({ error: z.string(), code: z.string() });

async function read({ baseUrl }: HttpAccess, path: string, query: Readonly<Record<string, string>>): Promise<Page> {
  const asked = `${path}?${new URLSearchParams({ ...query, format: 'csv' }).toString()}`;
  const { status, text, headers } = await sendHttp(baseUrl, { method: 'GET', path: asked });
  if (status === 200) return { text, next: headers.get('x-next-cursor') };
  const { error = `${path} answered ${status}`, code = `http_${status}` } = Problem.safeParse(jsonOf(text)).data ?? {};
  throw new OperatorError(code, error);
}
