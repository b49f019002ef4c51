import { setImmediate } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBoards } from '../../domain/leaderboards/build-boards.ts';
import { LAYOUT } from '../../domain/leaderboards/layout.ts';
import { apiInProcess } from '../../functions/serve-pages/api-in-process.ts';
import { leaderboardRoutes, type LeaderboardReadDeps } from '../../functions/read-api/leaderboard-routes.ts';
import { namesAsIds } from '../builders/identity.ts';
import { aStanding, LeaderboardWorld } from '../builders/memory-leaderboards.ts';
import { startBrowser } from '../support/browser.ts';
import { thousands } from './answers.ts';
import { PageOpener } from './open-page.ts';
import { pagesOverHttp } from './pages-over-http.ts';
import { answering, NOW } from './pages-under-test.ts';

/** The pages in a browser, before an API of the test's own. */

let browser: Browser;
let own: Awaited<ReturnType<typeof pagesOverHttp>>;
let opener: PageOpener;

beforeAll(async () => {
  [browser, own] = await Promise.all([startBrowser(), pagesOverHttp()]);
  opener = new PageOpener(browser, own.baseUrl);
});
afterAll(() => Promise.all([browser.close(), own.stop()]));

const opened = <Result>(address: string, use: (page: Page) => Promise<Result>, javaScriptEnabled: boolean) =>
  opener.open(address, use, { javaScriptEnabled });

describe('a board', () => {
  const row = (rank: number) => ({
    rank,
    username: `user-${rank}`,
    points: 20_000 - rank,
    canonicalScore: 20_000 - rank,
    tier: 'Sprout',
    change: rank % 2 === 0 ? null : 1,
  });
  /** A board of that many people. Returns the queries of its pages. */
  const boardOf = (total: number) => {
    const asked: URLSearchParams[] = [];
    own.answer(async ({ path }) => {
      const { pathname, searchParams } = new URL(path, 'http://x');
      const [, one] = /^\/v1\/leaderboards\/alltime\/users\/user-(\d+)$/u.exec(pathname) ?? [];
      if (one !== undefined && Number(one) <= total)
        return { ok: true, view: { ...row(Number(one)), board: 'alltime', total, above: [], below: [] } as never };
      if (pathname === '/v1/users') {
        const names = Array.from({ length: total }, (_, index) => row(index + 1).username);
        const found = names.filter((name) => name.startsWith(searchParams.get('prefix')!)).sort();
        return { ok: true, view: { users: found.slice(0, 10).map((username) => ({ username })) } as never };
      }
      if (!pathname.startsWith('/v1/leaderboards'))
        return { ok: false, status: 404, sentence: 'nothing is known of it' };
      asked.push(searchParams);
      const [from, limit] = [Number(searchParams.get('cursor') ?? 0), Number(searchParams.get('limit'))];
      const rows = Array.from({ length: Math.min(limit, total - from) }, (_, index) => row(from + index + 1));
      const next = from + rows.length < total ? { next: String(from + rows.length) } : {};
      const asOf = searchParams.get('at') ?? new Date(NOW).toISOString();
      return { ok: true, view: { board: 'alltime', asOf, rows, total, ...next } as never };
    });
    return asked;
  };
  it.each([true, false])('10,000 are paged by links, and travelled by date; scripts: %s', async (javaScriptEnabled) => {
    const asked = boardOf(10_000);
    await opened(
      '/',
      async (page) => {
        await page.getByRole('link', { name: 'Next page' }).click();
        await page.waitForURL('**/?cursor=50');
        expect(await page.locator('.rows .rank').first().innerText()).toBe('51');
        await page.reload();
        expect(await page.locator('.rows .name').last().innerText()).toBe('user-100');
        await page.goBack();
        await page.locator('.podium').waitFor();
        await page.locator('#at').fill('2026-08-01');
        await page.getByRole('button', { name: 'Go' }).click();
        await page.waitForURL('**/?at=2026-08-01');
        expect(await page.locator('.notice').first().innerText()).toContain('as it was at the end of Aug 1, 2026');
        expect(asked.at(-1)?.get('at')).toBe('2026-08-01T23:59:59.999Z');
        await page.getByRole('link', { name: 'Show today' }).click();
        await page.waitForURL(`${own.baseUrl}/`);
        expect(await page.locator('.rows tbody tr').count()).toBe(47);
      },
      javaScriptEnabled,
    );
  });

  it.each([true, false])(
    'of 10,000 each is found by name, with the true rank; scripts: %s',
    async (javaScriptEnabled) => {
      boardOf(10_000);
      await opened(
        '/',
        async (page) => {
          await page.locator('#q').fill('user-987');
          await page.getByRole('button', { name: 'Find', exact: true }).click();
          await page.waitForURL('**/?q=user-987');
          expect((await page.locator('.rows .rank').allInnerTexts()).slice(0, 3)).toEqual(['987', '9,870', '9,871']);
          await page.reload();
          expect(await page.locator('.rows .name').last().innerText()).toBe('user-9878'); // ten begin with the text, and it is one
          expect(await page.locator('.notice').innerText()).toContain('There may be others');
        },
        javaScriptEnabled,
      );
    },
  );

  it.each([true, false])('one alone is a board, too; scripts: %s', async (javaScriptEnabled) => {
    boardOf(1);
    const text = await opened('/', (page) => page.locator('main').innerText(), javaScriptEnabled);

    expect(text).toMatch(/1 person[\s\S]*user-1\b[\s\S]*19,999/u);
    expect(text).not.toContain('Next page');
  });
});

it.each(['/', '/people/ada?open=grants,score-line', '/community?days=365&open=members', '/rules'])(
  '%s of a community of 10,000 is whole, with scripts and without, and fits 320 pixels',
  async (address) => {
    own.answer(answering(thousands(NOW)));
    for (const javaScriptEnabled of [true, false]) {
      const [text, width] = await opened(
        address,
        async (page) => {
          await page.setViewportSize({ width: 320, height: 800 });
          return [
            await page.locator('main').innerText(),
            await page.locator('html').evaluate(({ scrollWidth }) => scrollWidth),
          ] as const;
        },
        javaScriptEnabled,
      );
      expect(text).toContain('10,000');
      expect(text).not.toMatch(/cannot be shown|NaN|undefined/u);
      expect(width).toBeLessThanOrEqual(320);
    }
    expect(opener.errors).toEqual([]);
  },
);

describe('while a board is rebuilt', () => {
  const people = [aStanding('ada', 900), aStanding('bob', 800), aStanding('cyd', 700)];
  const world = new LeaderboardWorld([], { ...LAYOUT, changes: 0 }); // a build with blocks: it takes longest
  const get = apiInProcess(
    leaderboardRoutes,
    { ...world.read, names: namesAsIds, authenticate: async () => undefined } as unknown as LeaderboardReadDeps & {
      authenticate: () => Promise<undefined>;
    },
    ({ error }) => {
      throw error;
    },
  );
  const IN_A_BUILD = /put leaf|put bucket|snapshot|pointer/u;
  const LOOKS = 5;
  const seen = async (page: Page) => ({
    time: await page.locator('main time').first().getAttribute('datetime'),
    names: await page.locator('main .name').allInnerTexts(),
  });

  it.each([true, false])(
    'the page shows the old one, with its time, until the new one is whole; scripts: %s',
    async (javaScriptEnabled) => {
      own.answer(get);
      const { store } = world;
      world.people = people;
      world.now += 60_000;
      await buildBoards(world.build);
      const before = store.pointers.get('alltime');
      const old = { time: before!.asOf, names: ['ada', 'bob', 'cyd'] };
      world.people = [...people, aStanding('eve', 5_000)];
      world.now += 60_000;
      await opened(
        '/',
        async (page) => {
          let looks = 0;
          let looking = Promise.resolve();
          const look = async () => {
            await setImmediate(); // all that the build does meanwhile waits for this look
            if (looks === LOOKS || store.pointers.get('alltime') !== before) return;
            await page.reload();
            expect(await seen(page)).toEqual(old);
            looks += 1;
          };
          store.step = async (what) => (IN_A_BUILD.test(what) ? (looking = looking.then(look)) : undefined);
          await buildBoards(world.build);
          store.step = async () => {};

          expect(looks).toBe(LOOKS);
          await page.reload();
          const time = new Date(world.now).toISOString();
          expect(await seen(page)).toEqual({ time, names: ['eve', 'ada', 'bob', 'cyd'] });
        },
        javaScriptEnabled,
      );
    },
  );
});
