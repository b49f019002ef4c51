import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAYOUT } from '../../domain/leaderboards/layout.ts';
import { startBrowser } from '../support/browser.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { HOSTILE } from './hostile.ts';
import { PageOpener } from './open-page.ts';

/** The pages as people use them: one browser, one stack, and a community that grows in the middle. */

const USERS = ['ada', 'bob', 'cyd', 'dee', 'eve'] as const;
const REASONS = HOSTILE.filter((text) => !/[\u0000-\u001f\u200b-\u202e\u2060]/u.test(text) && text.length < 500);

let stack: TestStack;
let browser: Browser;
let opener: PageOpener;
const open: PageOpener['open'] = (...given) => opener.open(...given);

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

beforeAll(async () => {
  [stack, browser] = await Promise.all([startTestStack(), startBrowser()]);
  opener = new PageOpener(browser, stack.baseUrl);
});
afterAll(() => Promise.all([stack.stop(), browser.close()]));

describe('an empty community', () => {
  it.each(['/', '/community', '/rules', '/people/nobody'])('%s says so, and fails nowhere', async (address) => {
    const text = await open(address, (page) => page.locator('main').innerText());

    expect(text).not.toContain('cannot be shown');
  });
});

describe('a community of one', () => {
  beforeAll(async () => {
    await award('ada', 0, 3_000);
    await stack.drain();
    for (const role of ['rank-leaderboards', 'roll-up-metrics']) await build(role);
  });

  it.each([
    ['/', /1 person[\s\S]*ada[\s\S]*3,000/u],
    ['/people/ada', /#1[\s\S]*2 lines, 3,000 points/u],
    ['/community', /Points granted\s+3,000[\s\S]*1 person on the board/u],
    ['/rules', /How points work/u],
  ])('%s shows them, with scripts and without', async (address, text) => {
    for (const javaScriptEnabled of [true, false]) {
      const shown = await open(address, (page) => page.locator('main').innerText(), { javaScriptEnabled });
      expect(shown).toMatch(text);
      expect(shown).not.toContain('cannot be shown');
    }
  });
});

describe('a community', () => {
  beforeAll(async () => {
    for (const [index, username] of USERS.entries()) await award(username, 0, 3_000 - 500 * index);
    for (const [index, reason] of REASONS.entries()) await award('ada', 100 + index, 10, reason);
    await stack.drain();
    await build('rank-leaderboards');
    opener.errors.length = 0; // of the pages that are not there
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

  it.each(['/?board=today', '/people/ada', '/community', '/rules'])(
    'shows what it had, and a sentence, while the API of %s fails or does not answer; then goes on',
    async (address) => {
      const API = /\/(?:v1|community-metrics)\b/u;
      await open('/', async (page) => {
        const link = page.locator(`a[href="${address}"]`).first();
        for (const broken of [
          (route: any) => route.abort(),
          (route: any) => route.fulfill({ status: 500, body: '{}' }),
        ]) {
          await page.route(API, broken);
          await link.click();
          await page.locator('main > .failed').waitFor();
          expect(await page.locator('.podium .first .name').innerText()).toBe('ada');
          await page.unroute(API);
        }
        let release = () => {};
        const released = new Promise<void>((resolve) => (release = resolve));
        await page.route(API, (route) => released.then(() => route.continue()));
        await page.getByRole('link', { name: 'Try again' }).click();
        await page.locator('main[aria-busy=true]').waitFor();
        expect(await page.locator('[role=status]').first().innerText()).toBe('Loading');
        expect(await page.locator('.podium .first .name').innerText()).toBe('ada');
        release();
        await page.waitForURL(`**${address}`);
        await page.locator('main[aria-busy=false]').waitFor();
        expect(await page.locator('main > .failed').count()).toBe(0);
      });
      opener.errors.length = 0; // the broken requests
    },
  );

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

  it('moves through a chart by arrow keys, and reads each value out', async () => {
    await open('/people/ada', async (page) => {
      await page.locator('[aria-label^="Points gained each day"]').focus();
      for (const key of ['End', 'ArrowLeft', 'ArrowUp']) await page.keyboard.press(key);
      expect(await page.locator('output').first().innerText()).toMatch(/^\w{3} \d+, \d{4}: /u);
    });
  });

  it('has a page for a hidden account, which shows that it is on no board', async () => {
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
    expect(opener.errors).toEqual([]);
  });
});

describe('a community whose board stores names', () => {
  it('shows them, also after a rename', async () => {
    // More than a snapshot carries itself, so the build writes blocks, with names.
    const names = Array.from({ length: LAYOUT.changes + 6 }, (_, index) => `member-${index + 10}`);
    await Promise.all(names.map((username, index) => award(username, 0, 4_000 + index)));
    await stack.drain();
    await build('rank-leaderboards');
    const shown = async (address: string) =>
      open(address, (page) => page.locator('main').innerText(), { javaScriptEnabled: false });
    expect(await shown('/')).toMatch(/member-39[\s\S]*4,029[\s\S]*member-10[\s\S]*4,000/u);

    await post('/v1/users/member-39/rename', { to: 'captain' });

    await expect.poll(() => shown('/'), { timeout: 600_000 }).toMatch(/captain[\s\S]*member-38/u);
    for (const address of ['/', '/?board=week', '/?q=member-1', '/people/captain'])
      expect(await shown(address)).not.toContain('cannot be shown');
  });
});
