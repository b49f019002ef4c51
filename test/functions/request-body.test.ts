import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readJson, TELEMETRY_BODY } from '../../functions/runtime/request-body.ts';

afterEach(() => vi.restoreAllMocks());

/**
 * The forms in which the gateway passes bytes on: as text if they are text, otherwise in base64, each also compressed.
 */
const waysOf = (bytes: Uint8Array) => [
  { body: Buffer.from(bytes).toString('base64'), isBase64Encoded: true, contentEncoding: undefined },
  { body: gzipSync(bytes).toString('base64'), isBase64Encoded: true, contentEncoding: 'gzip' },
];
const read = (request: ReturnType<typeof waysOf>[number]) => {
  const json = readJson(request, TELEMETRY_BODY);
  return json.ok ? json.value : json.error;
};
const invalidJson = { status: 400, body: { code: 'invalid_json' } };

describe('the encoding of a body', () => {
  it.each<[what: string, bytes: Uint8Array]>([
    ['Latin-1', Buffer.from('{"distinct_id":"café"}', 'latin1')],
    ['half a surrogate pair', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a longer form than needed', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a cut character', Buffer.from('"é"').subarray(0, 2)],
    ['UTF-16', Buffer.from('\ufeff{"a":1}', 'utf16le')],
    ['two byte order marks', Buffer.from('\ufeff\ufeff{}')],
  ])('is not %s', (_what, bytes) => {
    for (const way of waysOf(bytes)) expect(read(way)).toMatchObject(invalidJson);
  });

  it('is UTF-8, with or without a byte order mark', () => {
    const ways = [...waysOf(Buffer.from('{"a":"é💥"}')), ...waysOf(Buffer.from('\ufeff{"a":"é💥"}'))];
    for (const way of ways) expect(read(way)).toEqual({ a: 'é💥' });
    const text = { body: '\ufeff{"a":1}', isBase64Encoded: false, contentEncoding: undefined };
    expect(read(text)).toEqual({ a: 1 });
  });
});

describe('the size of a body', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

  it('is checked before anything is parsed: seven million lists are 14 KB of gzip', () => {
    const [, gzipped] = waysOf(Buffer.from(nested(7_000_000)));
    expect(gzipped!.body.length).toBeLessThan(20_000);
    const parse = vi.spyOn(JSON, 'parse');

    expect(read(gzipped!)).toMatchObject(invalidJson);
    expect(parse).not.toHaveBeenCalled();
  });

  it.each([
    ['flat lists', `[${'[],'.repeat(500_000)}0]`, 413],
    ['flat objects', `[${'{"a":{}},'.repeat(300_000)}0]`, 413],
    ['levels of objects', `${'{"a":'.repeat(501)}0${'}'.repeat(501)}`, 400],
    ['levels behind a text', `["a\\"[", ${nested(501)}]`, 400],
  ])('has a limit for %s', (_what, text, status) => {
    const parse = vi.spyOn(JSON, 'parse');
    for (const way of waysOf(Buffer.from(text))) expect(read(way)).toMatchObject({ status });
    expect(parse).not.toHaveBeenCalled();
  });

  it.each([
    ['many numbers', `[${'0,'.repeat(600_000)}0]`],
    ['500 levels', nested(500)],
    ['brackets in texts', JSON.stringify(['['.repeat(10_000), '\\"[['.repeat(10_000), `"${'{'.repeat(10_000)}`])],
    ['many closed lists', `[${'[[]],'.repeat(10_000)}0]`],
  ])('does not refuse %s', (_what, text) => {
    for (const way of waysOf(Buffer.from(text))) expect(JSON.stringify(read(way)) === text).toBe(true);
  });
});
