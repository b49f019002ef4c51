import * as z from 'zod/mini';
import { describe, expect, it } from 'vitest';
import { check, sentenceOf, withoutNulls } from '../../../domain/shared/faults.ts';
import { printableText, withEscapes } from '../../../domain/shared/text.ts';

const Text = printableText({ characters: 10, bytes: 20 });
const saidOf = (schema: z.ZodMiniType, value: unknown) => {
  const checked = check(schema, value, 'text');
  return checked.ok ? 'fine' : sentenceOf(checked.error);
};

describe('printable text', () => {
  it.each([
    'a',
    'über',
    '🦊🦊🦊🦊🦊',
    '\u2764\ufe0f', // a red heart
    'a b',
    'शक्ति',
    '__proto__',
  ])('may be %j', (text) => {
    expect(saidOf(Text, text)).toBe('fine');
  });

  it.each([
    ['a\u0000', 'no control characters'],
    ['\u001b[2J', 'no control characters'],
    ['a\nb', 'line breaks'],
    ['a\u0085b', 'no control characters'],
    ['a\u2028b', 'line breaks'],
    ['a\u202eb', 'bidirectional'],
    ['a\u2066b', 'bidirectional'],
    ['a\u200bb', 'zero-width'],
    ['a\u200db', 'zero-width'],
    ['\ufeffa', 'zero-width'],
    ['a\u2060', 'zero-width'],
    ['a\u00ad', 'zero-width'],
    ['\u3164', 'invisible'],
    ['a\u{e0041}', 'invisible'],
    ['a\ud800', 'surrogate'],
    ['\udc00a', 'surrogate'],
    ['a\ufffd', 'not UTF-8'],
    ['', 'not a space'],
    ['   ', 'not a space'],
    ['\u00a0\u2003\u3000', 'not a space'],
    ['\u2800\ufe0f', 'not a space'],
    ['x'.repeat(11), 'at most 10 characters'],
    ['🦊'.repeat(6), 'at most 20 bytes'],
  ])('may not be %j', (text, why) => {
    const said = saidOf(Text, text);

    expect(said).toContain(why);
    expect(said).toMatch(/^text: expected [^;]*$/); // one sentence
  });

  it('shows invisible characters as escapes', () => {
    expect(withEscapes('a\u001b[2Jb\u0007\u202e\ud800 🦊\u2764\ufe0f\n')).toBe(
      'a\\u001b[2Jb\\u0007\\u202e\\ud800 🦊\u2764\ufe0f\\u000a',
    );
  });
});

describe('a validation message', () => {
  it('is hand-written, whatever the schema expects', () => {
    const Everything = z.strictObject({
      text: z.string(),
      number: z.number().check(z.gte(2)),
      few: z.array(z.string()).check(z.maxLength(1)),
      choice: z.enum(['a', 'b', 'c']),
      form: z.string().check(z.regex(/^a$/)),
      either: z.union([z.string(), z.number()]),
      kind: z.discriminatedUnion('type', [z.object({ type: z.literal('x') })]),
    });
    const sent = { number: 1, few: ['1', '2'], choice: 'd', form: 'b', either: true, kind: {}, '\u001bmore': 1 };

    expect(saidOf(Everything, sent).split('; ')).toEqual([
      'text: missing, expected text',
      'number: expected at least 2',
      'few: expected at most 1 items',
      'choice: expected a, b or c',
      'form: expected another form',
      'either: expected another value',
      'kind.type: missing, expected another value',
      '\\u001bmore: unknown field',
    ]);
  });

  it('is bounded', () => {
    const checked = check(z.array(z.string()), new Array(1_000).fill(1), 'body');

    expect(checked.ok ? [] : checked.error).toHaveLength(20);
  });

  it('leaves out fields that are null', () => {
    const sent: unknown = JSON.parse('{"a": null, "b": {"c": null}, "__proto__": 1}');

    expect(JSON.stringify(withoutNulls(sent))).toBe('{"b":{"c":null},"__proto__":1}');
    expect([withoutNulls([null]), withoutNulls(null), withoutNulls('a')]).toEqual([[null], null, 'a']);
  });
});
