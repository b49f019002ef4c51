import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { communityMetrics } from '../../domain/metrics/catalog.ts';
import { routes as apiRoutes, type ReadApiDeps } from '../../functions/read-api/routes.ts';
import { apiInProcess } from '../../functions/serve-pages/api-in-process.ts';
import type { Get } from '../../pages/api.ts';
import { aCommunity } from '../builders/community.ts';
import { board, person, row, score, thousands } from './answers.ts';
import { HOSTILE } from './hostile.ts';
import { answering, failing, NOW, pagesUnderTest } from './pages-under-test.ts';

let pages: Awaited<ReturnType<typeof pagesUnderTest>>;
beforeAll(async () => {
  pages = await pagesUnderTest();
});
afterAll(() => pages.remove());

describe('every page', () => {
  it.each(['/', '/?board=week&you=ada&q=al', '/people/ada', '/community', '/rules', '/people/nobody'])(
    '%s runs and loads nothing but its own assets, and cannot be framed',
    async (address) => {
      const { headers, text } = await pages.serve(answering(person()))(address);

      expect(headers).toMatchObject({
        'content-security-policy': expect.stringMatching(/default-src 'self'.*frame-ancestors 'none'/u),
        'x-content-type-options': 'nosniff',
        'referrer-policy': expect.any(String),
      });
      expect(text).toMatch(/^<!doctype html><html lang="en">/u);
      expect(text).not.toMatch(/<script(?![^>]*src="\/assets\/)|<style|\sstyle=|\son\w+=/u);
      const loaded = [...text.matchAll(/(?:src|href)="(https?:)?\/\/[^"]*"/gu)].map(([all]) => all);
      expect(loaded).toEqual([]);
    },
  );

  it('is a link with a preview', async () => {
    const { text } = await pages.serve(answering(person()))('/people/ada', { 'x-forwarded-proto': 'https' });

    expect(text).toContain('<title>ada · ');
    expect(text).toContain('<meta property="og:image" content="https://laurel.example.org/cards/ada.svg"');
    expect(text).toMatch(/<meta name="description" content="1,250 points, Sprout, rank 7/u);
    const { text: ofNobody } = await pages.serve(answering({}))('/rules');
    expect(ofNobody).toMatch(/<meta property="og:image" content="[^"]+\/assets\/[^"]+"/u);
  });

  it.each([
    ['/', 500],
    ['/people/ada', 500],
    ['/community', 500],
    ['/rules', 500],
  ])('%s says what failed, keeps its status and is not kept by caches, if the API fails', async (address, status) => {
    const answer = await pages.serve(failing)(address);

    expect(answer).toMatchObject({ status, headers: { 'cache-control': 'no-store' } });
    expect(answer.text).toContain('Something failed on our side.');
  });

  it.each(['/', '/people/ada', '/community', '/rules'])(
    '%s says so if what the API reads does not answer',
    async (address) => {
      const faults: unknown[] = [];
      const fails = () => {
        throw new Error('It did not answer in 3 seconds.');
      };
      const silent = new Proxy(
        {},
        { get: (_, name) => (name === 'clock' ? () => NOW : new Proxy(fails, { get: () => fails })) },
      );
      const get = apiInProcess(apiRoutes, silent as ReadApiDeps, (fault) => faults.push(fault));
      const answer = await pages.serve(get)(address);

      expect(answer).toMatchObject({ status: 500, headers: { 'cache-control': 'no-store' } });
      expect(answer.text).toContain('Something failed on our side. It was noted; please try again.');
      expect(answer.text).not.toContain('did not answer in 3 seconds');
      expect(faults).not.toEqual([]);
    },
  );

  it('claims no number that it has not', async () => {
    const get: Get = async (asked) =>
      asked.path.includes('interval=') ? failing(asked) : answering(thousands(NOW))(asked);
    const { text } = await pages.serve(get)('/community');

    expect(text).toMatch(/<dt>Yesterday<\/dt><dd>–<\/dd>/u);
    expect(text).not.toContain('no change');
  });

  it('shows the rest if one part fails', async () => {
    const { status, headers, text } = await pages.serve(async (asked) =>
      asked.path.includes('/history') ? failing(asked) : answering(person())(asked),
    )('/people/ada');

    expect({ status, cache: headers['cache-control'] }).toEqual({ status: 200, cache: 'no-store' });
    expect(text).toContain('The history cannot be shown now.');
    expect(text).toContain('Gave a talk');
  });

  it.each(HOSTILE)('shows a hostile text as text: %j', async (reason) => {
    const get = answering(person(reason));
    const [profile, search] = [
      await pages.serve(get)('/people/ada'),
      await pages.serve(answering({ '/v1/leaderboards': board([]) }))(
        `/?q=${encodeURIComponent(reason.slice(0, 500))}`,
      ),
    ];

    for (const { text } of [profile, search]) {
      const shown = text.replaceAll(/ data-state="[^"]*"/gu, '');
      const tags = shown.replaceAll(/="[^"]*"/gu, '');
      expect(tags).not.toMatch(/<script>|<img src=x|<svg onload|<[a-z]+[^>]*\son\w+=/u);
      expect(shown).not.toMatch(/[\u202a-\u202e\u2060-\u2069\u200b\u0000]/u);
      expect(shown).not.toContain('x'.repeat(1_000));
    }
  });
});

it('a name that was given up leads to the new one', async () => {
  const get = answering({ ...person(), '/v1/scores/ada': { ...score, username: 'ada-lovelace' } });

  expect(await pages.serve(get)('/people/ada?open=grants')).toMatchObject({
    status: 308,
    headers: { location: '/people/ada-lovelace?open=grants', 'cache-control': 'no-store' },
  });
});

describe('a page that cannot be', () => {
  const get = answering({ '/v1/leaderboards': board([]) });
  const render = () => {
    throw new Error('It broke.');
  };

  it.each([
    ['/', { render }, 500, /<h1>Something failed on our side<\/h1>.*request request-1/u],
    ['/?q=%3Cb%3E&q=2', {}, 400, /<h1>This address cannot be read<\/h1>.*q: expected only once/u],
    ['/?%3Cb%3E=1&%3Cb%3E=2', {}, 400, /&#60;b&#62;: expected only once/u],
  ])('%s is one that says so', async (address, changed, status, text) => {
    const answer = await pages.serve(get, changed)(address, { accept: 'text/html,*/*' });

    expect(answer).toMatchObject({
      status,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': expect.stringContaining("default-src 'self'"),
      },
    });
    expect(answer.text).toMatch(text);
  });
});

describe('the board', () => {
  const many = Array.from({ length: 50 }, (_, index) => row(index + 1));

  it.each([
    ['nobody', board([], { asOf: null }), 'Nobody is on this board yet'],
    ['one user', board([row(1)]), 'user-1'],
    ['a page of 10,000', board(many, { total: 10_000, next: 'page-2' }), 'Next page'],
  ])('shows %s', async (_who, view, text) => {
    const answer = await pages.serve(answering({ '/v1/leaderboards': view }))('/');

    expect(answer.status).toBe(200);
    expect(answer.text).toContain(text);
  });

  describe('in a search', () => {
    const place = (rank: number) => ({ ...row(rank), board: 'alltime', total: 9_000, above: [], below: [] });
    const users = (...names: string[]) => ({ users: names.map((username) => ({ ...score, username })) });
    const first = { '/v1/leaderboards/alltime?': board(many, { total: 9_000, next: 'page-2' }) };
    const namesIn = (text: string) =>
      [...text.matchAll(/class="num rank">([\d,]+)<.*?<bdi>([^<]+)</gu)].map(([, rank, name]) => `${rank} ${name}`);

    it('finds parts of names in the first rows, and the beginning of a name among all, with their true ranks', async () => {
      const get = answering({
        '/v1/leaderboards/alltime/users/user-4711': place(4_711),
        '/v1/leaderboards/alltime/users/user-47': place(47),
        '/v1/users?prefix=user-4&limit=10': users('user-47', 'user-4711', 'user-4-hides'),
        ...first,
      });
      const { text } = await pages.serve(get)('/?q=User-4');

      expect(namesIn(text).slice(0, 2)).toEqual(['4 user-4', '40 user-40']);
      expect(namesIn(text).slice(-2)).toEqual(['49 user-49', '4,711 user-4711']);
      expect(text).toContain('12 names with “');
    });

    it('finds who gave up a name by that name, once', async () => {
      const get = answering({
        '/v1/leaderboards/alltime/users/zo': place(4_711),
        '/v1/leaderboards/alltime/users/zoe': place(4_711),
        '/v1/users?prefix=zo': users('zoe'),
        ...first,
      });

      expect(namesIn((await pages.serve(get)('/?q=zo')).text)).toEqual(['4,711 zo']);
    });

    it('asks for no more if the first rows are all, and for at most ten ranks', async () => {
      const asked: string[] = [];
      const all = users(...Array.from({ length: 10 }, (_, index) => `zoe-${index}`));
      const noting = (rest: object): Get => {
        const get = answering({ ...rest, '/v1/users': all, '/v1/leaderboards/alltime/users/': place(4_711) });
        return (path) => (asked.push(path.path), get(path));
      };
      await pages.serve(noting({ '/v1/leaderboards/alltime?': board(many) }))('/?q=user-1');
      expect(asked).toEqual(['/v1/leaderboards/alltime?limit=1000&compare=day']);
      asked.length = 0;
      const { text } = await pages.serve(noting({ '/v1/leaderboards/alltime?': board(many, { next: 'page-2' }) }))(
        '/?q=zoe',
      );

      expect(asked).toHaveLength(13); // the rows, the names, the text itself and each name
      expect(text).toContain('There may be others: type more of the name.');
    });

    it('shows what it found if the rest cannot be read', async () => {
      const get: Get = (path) => (path.path.startsWith('/v1/users') ? failing(path) : answering(first)(path));
      const { headers, text } = await pages.serve(get)('/?q=user-17');

      expect(headers['cache-control']).toBe('no-store');
      expect(text).toContain('The rest of the board cannot be shown now.');
      expect(namesIn(text)).toEqual(['17 user-17']);
    });
  });

  it.each(['.', '..'])('asks for no other path for the name %s', async (name) => {
    const asked: string[] = [];
    const get: Get = (path) => {
      asked.push(path.path);
      return answering({ '/v1/leaderboards/alltime?': board(many, { next: 'page-2' }) })(path);
    };
    const { status } = await pages.serve(get)(`/?q=${name}&you=${name}`);

    expect(status).toBe(200);
    for (const path of asked) expect(new URL(path, 'http://api').href).toBe(`http://api${path}`);
    expect(asked).toContain(`/v1/leaderboards/alltime/users/${name}%20`);
  });

  it('leads back from a date of which no board is kept', async () => {
    const refused: Get = async () => ({
      ok: false,
      status: 400,
      sentence: 'at: expected a time that is not in the future',
    });
    const { status, text } = await pages.serve(refused)('/?at=2026-08-01');

    expect(status).toBe(400);
    expect(text).toContain('No board is kept of Aug 1, 2026. <a href="/">Show today</a>');
  });

  it('is 404 for a board that does not exist, and shows that', async () => {
    const answer = await pages.serve(answering({}))('/?board=nothing');

    expect(answer).toMatchObject({ status: 404, headers: { 'cache-control': 'no-store' } });
  });

  it('answers programs with an index of the API', async () => {
    const serve = pages.serve(answering({ '/v1/leaderboards': board([]) }));
    const index = await serve('/', { accept: 'application/json' });
    const page = await serve('/', { accept: 'text/html,application/json' });

    expect(JSON.parse(index.text)).toMatchObject({ links: { openapi: '/openapi.json' } });
    expect(page.text).toMatch(/^<!doctype html>/u);
  });

  it('is small: 40 KB over the wire with everything it loads, 25 KB of scripts', async () => {
    const serve = pages.serve(answering({ '/v1/leaderboards': board(many, { total: 10_000, next: 'x'.repeat(80) }) }));
    const page = await serve('/', { 'accept-encoding': 'gzip' });
    const sizes = await Promise.all(
      [pages.paths.script, pages.paths.style, pages.paths.icon].map(
        async (path) => (await serve(path, { 'accept-encoding': 'gzip' })).bytes.length,
      ),
    );
    const [script = 0] = sizes;

    expect(gunzipSync(page.bytes).toString()).toContain(pages.paths.script);
    expect(script).toBeLessThanOrEqual(25_000);
    expect(sizes.reduce((sum, size) => sum + size, page.bytes.length)).toBeLessThanOrEqual(40_000);
  });

  it('is not sent again to who has it', async () => {
    const serve = pages.serve(answering({ '/v1/leaderboards': board(many) }));
    const { headers } = await serve('/');

    expect(await serve('/', { 'if-none-match': headers.etag! })).toMatchObject({ status: 304, text: '' });
  });
});

describe('the community', () => {
  const starts = [0, 1, 2].map((day) => Date.parse('2026-08-19T00:00:00.000Z') + day * 86_400_000);
  const series = (members: readonly (number | null)[], active: readonly number[]) => ({
    steps_start_times: starts,
    members,
    active_members: active,
  });
  const hours = {
    metric: 'CLI_INVOCATION',
    steps_start_times: Array.from({ length: 72 }, (_, index) => starts[0]! + index * 3_600_000),
    values: Array.from({ length: 72 }, (_, index) => (index === 24 + 13 ? 40 : 1)),
  };
  /** The period before comes second. */
  const get = (before: readonly (number | null)[]): Get => {
    let asked = 0;
    return async (path) => {
      if (!path.path.startsWith('/community-metrics/series'))
        return answering({ '/community-metrics/by-hour': hours })(path);
      asked += 1;
      const view = asked === 1 ? series([4, 7, 7], [3, 5, 2]) : series(before, [0, 0, 0]);
      return { ok: true, view: view as never };
    };
  };
  const tableOf = (text: string, title: string): readonly string[] =>
    [
      ...text
        .slice(text.indexOf(`aria-label="${title}: table"`))
        .split('</table>')[0]!
        .matchAll(/<t[hd](?:\s[^>]*)?>([^<]*)/gu),
    ].map(([, cell]) => cell!);

  it('tells new members from returning ones, and knows nothing before the first sample', async () => {
    const { text } = await pages.serve(get([null, null, 2]))('/community?days=7&open=returning');
    const first = await pages.serve(get([null, null, null]))('/community?days=7&open=returning');

    expect(
      tableOf(text, 'New and returning members')
        .slice(3, 12)
        .filter((cell) => /^\d+$/u.test(cell)),
    ).toEqual(['2', '1', '3', '2', '0', '2']);
    expect(tableOf(first.text, 'New and returning members').slice(4, 6)).toEqual(['0', '3']);
  });

  it('shows when in a week it works, hour by hour', async () => {
    const { text } = await pages.serve(get([2]))('/community?open=hours');

    expect(text).toContain('The busiest hour of the week in 3 days began on Thursday 13:00 UTC: 40 invocations.');
    const table = tableOf(text, 'Hours and weekdays');
    expect(table.slice(0, 8)).toEqual(['UTC', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']);
    expect(table.slice(8 * 14, 8 * 15)).toEqual(['13:00', '0', '0', '1', '40', '1', '0', '0']);
  });

  it('draws each metric of the API', async () => {
    const { text } = await pages.serve(get([2]))('/community');
    for (const { field } of communityMetrics) expect(text).toContain(`id="${field}-title"`);
  });
});

it('the community shows the tiers of all who are ranked, from the lowest on', async () => {
  const view = board([row(1)], { total: 10_000, tiers: { Laurel: 2, Sprout: 9_998 } });
  const { text } = await pages.serve(answering({ '/v1/leaderboards/alltime': view }))('/community');

  expect(text).toMatch(/Sprout <strong class="num">9,998<\/strong>.*Laurel <strong class="num">2<\/strong>/u);
});

it('the rules say what changed with each version, and since when it is in force', async () => {
  const { rules } = aCommunity();
  const later = structuredClone(rules);
  later.version = '2';
  later.tiers[1].from = 900;
  later.activity.groups[0].commands.push('chart');
  later.activity.streak.maximum = 6_000;
  later.events.push({
    ...rules.events[0],
    event: 'review',
    key: 'community:reviews',
    label: 'Reviews',
    cap: 40,
    capPer: 'week',
  });
  const versions = [
    { version: '1', since: '2026-01-01T00:00:00.000Z', rules },
    { version: '2', since: '2026-08-01T09:00:00.000Z', rules: later },
  ];
  const { text } = await pages.serve(answering({ '/v1/rules': { inForce: '2', versions } }))('/rules');

  for (const change of [
    /: commands [^<]*datastore → [^<]*, chart</u,
    /streak: at most \+50% → \+60%</u,
    /tier Sprout: from 1,000 → 900</u,
    /Reviews: cap nothing → 40 each week</u,
  ])
    expect(text).toMatch(change);
  expect(text.match(/ → /gu)).toHaveLength(5);
  expect(text).toMatch(/Version .*2.*in force.*since.*Aug 1, 2026, 09:00 UTC/u);
});
