import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { board } from './answers.ts';
import { answering, failing, pagesUnderTest } from './pages-under-test.ts';

let pages: Awaited<ReturnType<typeof pagesUnderTest>>;
beforeAll(async () => {
  pages = await pagesUnderTest();
});
afterAll(() => pages.remove());

describe('assets', () => {
  it('have names that change with them, and are kept for good, compressed as the reader likes', async () => {
    const serve = pages.serve(failing);
    const plain = await serve(pages.paths.style);
    const [zipped, best] = [
      await serve(pages.paths.style, { 'accept-encoding': 'gzip' }),
      await serve(pages.paths.style, { 'accept-encoding': 'gzip, br' }),
    ];

    expect(pages.paths.style).toMatch(/^\/assets\/style\.[A-Z0-9]{8}\.css$/u);
    expect(plain.headers).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable' });
    expect(gunzipSync(zipped.bytes).toString()).toBe(plain.text);
    expect(best.headers['content-encoding']).toBe('br');
    expect(zipped.bytes.length).toBeLessThan(gzipSync(plain.text, { level: 1 }).length);
  });

  it('are those of the community: its logo, and its accent in light and dark', async () => {
    const logo = join(mkdtempSync(join(tmpdir(), 'laurel-logo-')), 'our.svg');
    writeFileSync(logo, '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    const own = await pagesUnderTest({ style: ':root{--accent:#123456}', logo });
    const serve = own.serve(answering({ '/v1/leaderboards': board([]) }));

    expect(own.paths.logo).toMatch(/^\/assets\/logo\.[A-Z0-9]{8}\.svg$/u);
    expect((await serve('/')).text).toContain(`<img class="logo" src="${own.paths.logo}"`);
    expect(await serve(own.paths.logo!)).toMatchObject({
      status: 200,
      headers: { 'content-type': 'image/svg+xml', 'content-security-policy': expect.stringContaining('sandbox') },
    });
    expect(own.paths.style).not.toBe(pages.paths.style);
    expect((await serve(own.paths.style)).text).toContain('--accent:#123456');
    own.remove();
  });

  it.each(['nothing.js', 'manifest.json', '..%2f..%2fhandler.ts'])('%s is not one', async (name) => {
    expect((await pages.serve(failing)(`/assets/${name}`)).status).toBe(404);
  });
});
