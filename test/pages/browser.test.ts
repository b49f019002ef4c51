import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrowser } from '../support/browser.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { pagesOverHttp } from './pages-over-http.ts';
import { HOSTILE } from './hostile.ts';
import { NOW } from './pages-under-test.ts';

/** The pages as people use them: one browser, one stack, and a community that grows in the middle. */

const USERS = ['ada', 'bob', 'cyd', 'dee', 'eve'] as const;
const REASONS = HOSTILE.filter((text) => !/[\u0000-\u001f\u200b-\u202e\u2060]/u.test(text) && text.length < 500);

let stack: TestStack;
let browser: Browser;
let own: Awaited<ReturnType<typeof pagesOverHttp>>;
const errors: string[] = [];

const post = async (path: string, body: object, method = 'POST') => {
  const headers = { 'x-api-key': stack.adminKey, 'content-type': 'application/json' };
  const response = await fetch(`${stack.baseUrl}${path}`, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
};
const award = (username: string, index: number, points: number, reason = 'Helped in the forum') =>
  post('/v1/awards', { awardId: `${username}-${index}`, username, points, reason });
const build = async (role: string) => {
  const url = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions[role]}/invocations`;
  await fetch(url, { method: 'POST', body: '{}' });
};

/** What a reader chose of their browser; without scripts, every page must still be whole. */
async function open<Result>(
  address: string,
  use: (page: Page) => Promise<Result>,
  options: BrowserContextOptions = {},
): Promise<Result> {
  const context = await browser.newContext({ baseURL: stack.baseUrl, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', ({ message }) => errors.push(message));
  page.on('console', (message) => (message.type() === 'error' ? errors.push(message.text()) : undefined));
  await page.goto(address);
  if (options.javaScriptEnabled !== false) await page.waitForSelector('html.live');
  const result = await use(page);
  await context.close();
  return result;
}

beforeAll(async () => {
  [stack, browser, own] = await Promise.all([startTestStack(), startBrowser(), pagesOverHttp()]);
});
afterAll(() => Promise.all([stack.stop(), browser.close(), own.stop()]));

describe('an empty community', () => {
  it.each(['/', '/community', '/rules', '/people/nobody'])('%s says so, and fails nowhere', async (address) => {
    const text = await open(address, (page) => page.locator('main').innerText());

    expect(text).not.toContain('cannot be shown');
  });
});

describe('a community', () => {
  beforeAll(async () => {
    for (const [index, username] of USERS.entries()) await award(username, 0, 3_000 - 500 * index);
    for (const [index, reason] of REASONS.entries()) await award('ada', 100 + index, 10, reason);
    await stack.drain();
    await build('rank-leaderboards');
    errors.length = 0; // of the pages that are not there
  });

  it.each([true, false])('a visitor looks who leads, and why; scripts: %s', async (javaScriptEnabled) => {
    await open(
      '/',
      async (page) => {
        expect(await page.locator('.podium .first .name').innerText()).toBe('ada');
        await page.getByRole('link', { name: 'Today' }).click();
        await page.waitForURL('**/?board=today');
        await page.locator('[name=q]').fill('dee');
        await page.getByRole('button', { name: 'Find', exact: true }).click();
        await page.waitForURL(/q=dee/u);
        expect(await page.locator('.rows .rank').first().innerText()).toBe('4');
        await page.locator('.rows .name').first().click();
        await page.waitForURL('**/people/dee');
        expect(await page.locator('h1').innerText()).toBe('dee');
        await page.locator('details[data-key=grants] summary').click();
        expect(await page.locator('details[data-key=grants] table').isVisible()).toBe(true);
        await page.goBack();
        await page.waitForURL(/q=dee/u);
        await page.reload();
        expect(await page.locator('.rows .rank').first().innerText()).toBe('4');
      },
      { javaScriptEnabled },
    );
  });

  it('a contributor finds their place and their reasons without scripts', async () => {
    await open(
      '/',
      async (page) => {
        await page.locator('#you').fill('cyd');
        await page.getByRole('button', { name: 'Remember me' }).click();
        await page.waitForURL(/you=cyd/u);
        expect(await page.locator('tr.own .rank').innerText()).toBe('3');
        await page.getByRole('link', { name: 'Last 7 days' }).click();
        await page.waitForURL(/board=week.*you=cyd/u);
        expect(await page.locator('tr.own .rank').innerText()).toBe('3');
        await page.locator('tr.own .name').click();
        await page.locator('details[data-key=grants] summary').click();
        expect(await page.locator('details[data-key=grants] .num').last().innerText()).toBe('+2,000');
        expect(await page.locator('.awards').innerText()).toContain('Helped in the forum');
        await page.getByRole('link', { name: 'Let the server check this ledger' }).click();
        expect(JSON.parse(await page.locator('body').innerText())).toMatchObject({ ok: true, sum: 2_000 });
        await page.goBack();
        await page.getByRole('button', { name: /^Show as a table\s*: Points gained each day$/u }).click();
        await page.waitForURL(/open=calendar/u);
        expect(await page.locator('[aria-label="Points gained each day: table"]').innerText()).toContain('+2,000');
      },
      { javaScriptEnabled: false },
    );
  });

  it('a contributor finds their place, is remembered, and proves their ledger', async () => {
    await open('/', async (page) => {
      await page.locator('#you').fill('cyd');
      await page.getByRole('button', { name: 'Remember me' }).click();
      await page.waitForURL(/you=cyd/u);
      expect(await page.locator('tr.own .rank').innerText()).toBe('3');
      await page.goto('/');
      await page.waitForURL(/you=cyd/u);
      await page.goto('/people/ada?open=grants');
      expect(await page.locator('details[data-key=grants]').getAttribute('open')).not.toBeNull();
      await page.getByRole('button', { name: 'Check this ledger' }).click();
      expect(await page.locator('.proven').innerText()).toContain('The chain is whole');
      await page.route('**/grants?limit=1000', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: (await response.text()).replace('Helped in', 'Helped im') });
      });
      await page.getByRole('button', { name: 'Check this ledger' }).click();
      await page.locator('.check .failed').waitFor();
      expect(await page.locator('.check').innerText()).toMatch(/Line \d+: its reason does not give its commitment/u);
    });
  });

  it.each([true, false])('a lead looks at the pulse and the rules; scripts: %s', async (javaScriptEnabled) => {
    await open(
      '/community',
      async (page) => {
        await page.getByRole('link', { name: '90 days' }).click();
        await page.waitForURL('**/community?days=90');
        await page.getByRole('button', { name: /^Show as a table\s*: Points granted$/u }).click();
        await page.waitForURL(/open=points_granted/u);
        expect(await page.locator('.numbers').first().isVisible()).toBe(true);
        await page.getByRole('link', { name: 'Rules' }).click();
        await page.waitForURL('**/rules');
        await page.locator('[name=streak]').fill('50');
        await page.getByRole('button', { name: 'Compute' }).click();
        await page.waitForURL(/streak=50/u);
        expect(await page.locator('.formula .big').innerText()).toMatch(/^[\d,]+$/u);
      },
      { javaScriptEnabled },
    );
  });

  it('by keyboard alone a visitor finds a name, opens its reasons, and goes on', async () => {
    await open('/', async (page) => {
      const press = async (key: string, until: string) => {
        for (let step = 0; step < 60; step += 1) {
          await page.keyboard.press(key);
          if (await page.evaluate((selector) => document.activeElement?.matches(selector), until)) return;
        }
        throw new Error(`${until} is not reached by ${key}`);
      };
      await press('Tab', '.skip');
      await press('Tab', '#q');
      await page.keyboard.type('dee');
      await page.keyboard.press('Enter');
      await page.waitForURL(/q=dee/u);
      await press('Tab', '.rows .name');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/people/dee');
      await press('Tab', 'details[data-key=grants] summary');
      await page.keyboard.press('Enter');
      await page.waitForURL(/open=grants/u);
      await press('Tab', '[aria-label^="Points gained each day"]');
      await page.keyboard.press('End');
      expect(await page.locator('output').first().innerText()).toContain('+1,500 points');
      await press('Shift+Tab', '.top nav a[href="/community"]');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/community');
    });
  });

  it('shows what it had, and a sentence, while the API fails; then goes on', async () => {
    await open('/', async (page) => {
      for (const broken of [
        (route: any) => route.abort(),
        (route: any) => route.fulfill({ status: 500, body: '{}' }),
      ]) {
        await page.route('**/v1/leaderboards/**', broken);
        await page.getByRole('link', { name: 'Today' }).click();
        await page.locator('main > .failed').waitFor();
        expect(await page.locator('.podium .first .name').innerText()).toBe('ada');
        await page.unroute('**/v1/leaderboards/**');
      }
      await page.getByRole('link', { name: 'Try again' }).click();
      await page.waitForURL('**/?board=today');
      expect(await page.locator('main > .failed').count()).toBe(0);
    });
    errors.length = 0; // the broken requests
  });

  it('keeps to the board that a page was of, while another is built', async () => {
    const first = (await (await fetch(`${stack.baseUrl}/v1/leaderboards/alltime?limit=2`)).json()) as { next: string };
    await award('eve', 1, 50_000);
    await stack.drain();
    await build('rank-leaderboards');
    const [pinned, newest] = await Promise.all(
      [`/?cursor=${first.next}`, '/'].map((address) => open(address, (page) => page.locator('.rows').innerText())),
    );

    expect(pinned).toMatch(/3\s+.*cyd[\s\S]*5\s+.*eve/u);
    expect(newest).not.toContain('eve'); // on the podium
  });

  const ADDRESSES = ['/?you=cyd', '/people/ada?open=grants,calendar', '/community', '/rules'] as const;

  it.each(ADDRESSES)('%s is accessible in light and dark, and fits 320 pixels', async (address) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await open(
        address,
        async (page) => {
          await page.evaluate(axe.source);
          const violations = await page.evaluate(async () => {
            const found = await (globalThis as any).axe.run(document, {
              runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
            });
            return found.violations.map(({ id, nodes }: any) => [id, nodes.slice(0, 3).map(({ html }: any) => html)]);
          });
          expect(violations).toEqual([]);
          await page.setViewportSize({ width: 320, height: 800 });
          const wide = await page.evaluate(() =>
            [...document.querySelectorAll('main *')]
              .filter(
                (each) =>
                  each.getBoundingClientRect().right > 320 &&
                  each.closest('.scroll, .scroll-start, .scroll-end, svg') === null,
              )
              .map((each) => `${each.outerHTML.slice(0, 120)}: ${Math.round(each.getBoundingClientRect().right)}`),
          );
          expect(wide).toEqual([]);
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
        },
        { colorScheme, bypassCSP: true, reducedMotion: 'reduce' },
      );
    }
  });

  it.each(ADDRESSES)('%s: every control is reached by the tab key, and shows that it is', async (address) => {
    await open(address, async (page) => {
      const count = await page.evaluate(() => {
        const controls = document.querySelectorAll(
          'a[href], button:not([disabled]), input:not([type=hidden]), summary, [tabindex="0"]',
        );
        const visible = [...controls].filter((each) => each.getClientRects().length > 0);
        for (const [index, each] of visible.entries()) each.setAttribute('data-control', String(index));
        return visible.length;
      });
      const reached = new Set<string>();
      for (let step = 0; step < count * 3 && reached.size < count; step += 1) {
        await page.keyboard.press('Tab');
        const { control, ...seen } = await page.evaluate(() => {
          const element = document.activeElement!;
          const outline = getComputedStyle(element).outlineStyle;
          return { control: element.getAttribute('data-control'), outline, html: element.outerHTML.slice(0, 200) };
        });
        if (control === null) continue;
        reached.add(control);
        expect(seen).not.toMatchObject({ outline: 'none' });
      }

      expect(reached.size).toBe(count);
    });
  });

  it('moves through a chart by arrow keys, and says what is there', async () => {
    await open('/people/ada', async (page) => {
      await page.locator('[aria-label^="Points gained each day"]').focus();
      for (const key of ['End', 'ArrowLeft', 'ArrowUp']) await page.keyboard.press(key);
      expect(await page.locator('output').first().innerText()).toMatch(/^\w{3} \d+, \d{4}: /u);
    });
  });

  it('has a page for a hidden account, which says that it is on no board', async () => {
    await post('/v1/users/bob/visibility', { leaderboards: 'hidden' }, 'PUT');
    await stack.drain();
    await build('rank-leaderboards');
    const [board, person] = await Promise.all(
      ['/', '/people/bob'].map((address) => open(address, (page) => page.locator('main').innerText())),
    );

    expect(board).not.toContain('bob');
    expect(person).toMatch(/On no board: bob is hidden by choice/u);
    expect(person).toContain('2,500');
  });

  it("ran no stranger's text, asked no other host, and broke nowhere", async () => {
    const hosts = await open('/people/ada', async (page) => {
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).origin));
      await page.reload({ waitUntil: 'networkidle' });
      expect(await page.locator('.awards').innerText()).toContain('<script>alert(1)</script>');
      return asked;
    });

    expect(new Set(hosts)).toEqual(new Set([stack.baseUrl]));
    expect(errors).toEqual([]);
  });
});

describe('the board of an API of the test', () => {
  const row = (rank: number) => ({
    rank,
    username: `user-${rank}`,
    points: 20_000 - rank,
    canonicalScore: 20_000 - rank,
    tier: 'Sprout',
    change: rank % 2 === 0 ? null : 1,
  });
  /** A board of so many, of which each page and each date is an answer of its own. */
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
  const opened = <Result>(address: string, use: (page: Page) => Promise<Result>, javaScriptEnabled: boolean) =>
    open(address, use, { baseURL: own.baseUrl, javaScriptEnabled });

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
