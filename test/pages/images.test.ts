import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, score } from './answers.ts';
import { HOSTILE } from './hostile.ts';
import { answering, failing, pagesUnderTest } from './pages-under-test.ts';

let pages: Awaited<ReturnType<typeof pagesUnderTest>>;
beforeAll(async () => {
  pages = await pagesUnderTest();
});
afterAll(() => pages.remove());

describe('images', () => {
  const IMAGES = [
    '/badges/ada.svg',
    '/badges/ada.svg?show=rank',
    '/badges/ada.svg?show=nonsense',
    '/cards/ada.svg?theme=x',
  ];

  it.each([
    ...IMAGES.map((address) => [address, answering(person()), undefined, 300] as const),
    ...IMAGES.map((address) => [address, answering({}), 'unknown', 300] as const),
    ...IMAGES.map((address) => [address, failing, 'unavailable', 60] as const),
    ['/badges/%3Cscript%3E.svg', answering({}), 'unknown', 300] as const,
  ])('%s is an image, whatever the API answers (%#)', async (address, get, text, seconds) => {
    const answer = await pages.serve(get)(address);

    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'image/svg+xml; charset=utf-8',
        'cache-control': `public, max-age=${seconds}`,
        etag: expect.any(String),
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      },
    });
    expect(answer.text).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [\s\S]*<\/svg>$/u);
    expect(answer.text).not.toContain('<script');
    if (text !== undefined) expect(answer.text).toContain(text);
  });

  it.each([...IMAGES, '/badges/ada.json'])(
    '%s is there where nothing can be drawn, and where nothing is ready',
    async (address) => {
      const throwing = () => {
        throw new Error('It broke.');
      };
      const broken = { renderBadge: throwing, renderCard: throwing, get: throwing };
      const { status, headers, text } = await pages.serve(failing, broken)(address);

      expect({ status, cache: headers['cache-control'] }).toEqual({ status: 200, cache: 'public, max-age=60' });
      expect(text).toContain('unavailable');
    },
  );

  it('take the first of a parameter that is given twice, and values in any case', async () => {
    const serve = pages.serve(answering(person()));

    expect((await serve('/badges/ada.svg?show=RANK&show=tier')).text).toContain('>#7</text>');
    expect((await serve('/cards/ada.svg?theme=dark&theme=light')).status).toBe(200);
    expect(JSON.parse((await serve('/badges/ada.json?show=rank&show=tier')).text)).toMatchObject({ message: '#7' });
  });

  it.each(HOSTILE)('show a hostile text as text: %j', async (text) => {
    const get = answering({ ...person(), '/v1/scores/ada': { ...score, username: text, tier: text } });
    for (const address of ['/badges/ada.svg?show=tier', '/cards/ada.svg']) {
      const image = (await pages.serve(get)(address)).text;

      expect(image.match(/<(?:script|img|svg|style|b)\b/gu)).toEqual(
        address.startsWith('/cards') ? ['<svg', '<style'] : ['<svg'],
      );
      expect(image).not.toMatch(/[\u0000-\u0009\u200b-\u200f\u202a-\u202e\u2060]|\son\w+="/u);
      expect(image).not.toContain('x'.repeat(100));
    }
  });

  it.each([
    ['score', '1,250'],
    ['tier', 'Sprout'],
    ['rank', '#7'],
  ])('show a %s: %s, also to shields.io', async (show, message) => {
    const serve = pages.serve(answering(person()));

    expect((await serve(`/badges/ada.svg?show=${show}`)).text).toContain(`>${message}</text>`);
    expect(JSON.parse((await serve(`/badges/ada.json?show=${show}`)).text)).toMatchObject({
      schemaVersion: 1,
      message,
    });
  });

  it('tell shields.io of a fault', async () => {
    expect(JSON.parse((await pages.serve(failing)('/badges/ada.json')).text)).toMatchObject({
      message: 'unavailable',
      isError: true,
    });
  });
});
