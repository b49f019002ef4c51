import { describe, expect, it } from 'vitest';
import { csvOf, inFormat } from '../../functions/runtime/format.ts';
import { HOSTILE } from '../pages/hostile.ts';

const rows = [{ name: 'ada', points: 5n, reason: null }];

describe('a list as CSV', () => {
  it('has one header row, the columns in order, and lines that end as RFC 4180 has it', () => {
    expect(csvOf(rows, ['name', 'points', 'reason', 'change'])).toBe('name,points,reason,change\r\nada,5,,\r\n');
  });

  it.each([
    ['a,b', '"a,b"'],
    ['say "so"', '"say ""so"""'],
    ['two\nlines', '"two\nlines"'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    [-1, "'-1"],
    ['@sum', "'@sum"],
    ['\tx', "'\tx"],
    ['\rx', '"\'\rx"'],
    ['=a,"b"', '"\'=a,""b"""'],
  ])('writes %j as %s', (value, cell) => {
    expect(csvOf([{ value }], ['value'])).toBe(`value\r\n${cell}\r\n`);
  });

  it.each(HOSTILE)('is read back as it was written, and runs nothing: %j', (text) => {
    const csv = csvOf([{ a: text, b: 'next' }], ['a', 'b']);
    const [, cell = ''] = /^a,b\r\n("(?:[^"]|"")*"|[^",\r\n]*),next\r\n$/u.exec(csv) ?? [];
    const read = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;

    expect(read).toBe(text);
    expect(csvOf([{ a: `=${text}` }], ['a'])).toMatch(/^a\r\n"?'=/u);
  });

  it.each([
    [undefined, undefined, false],
    [undefined, 'application/json', false],
    [undefined, 'text/csv', true],
    [undefined, 'application/json, text/csv', false],
    [undefined, 'application/json;q=0.5, Text/CSV; charset=utf-8', true],
    [undefined, 'application/json, text/csv;q=0.5', false],
    [undefined, 'text/csv;q=0', false],
    [undefined, 'text/html, text/csv;q=0.1, */*', true],
    ['csv', 'application/json', true],
    ['json', 'text/csv', false],
  ] as const)('format=%s with accept: %s is CSV: %s', (format, accept, isCsv) => {
    const reply = inFormat({ format }, { accept }, { rows, next: 'page-2' }, rows, ['name']);

    expect(reply.content !== undefined).toBe(isCsv);
    if (isCsv) expect(reply.headers).toMatchObject({ 'x-next-cursor': 'page-2' });
    else expect(reply).toMatchObject({ body: { rows }, headers: { vary: 'accept' } });
  });
});
