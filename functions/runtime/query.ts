import * as z from 'zod/mini';
import { err, ok, type Result } from '../../domain/shared/result.ts';
import { withEscapes } from '../../domain/shared/text.ts';
import { problem, type Reply } from './problems.ts';

/** The parameters of a query string. One that is given twice could mean either: it is refused, or the first counts. */
export function readQuery(text: string, takesRepeated = false): Result<Readonly<Record<string, string>>, Reply> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (query.has(name) && takesRepeated) continue;
    if (query.has(name)) {
      const detail = { field: withEscapes(name.slice(0, 64)), expected: 'expected only once' };
      return err(problem('invalid_query', `${detail.field}: ${detail.expected}`, { details: [detail] }));
    }
    query.set(name, value);
  }
  return ok(Object.fromEntries(query));
}

/** A whole number in plain digits: JavaScript reads `1e2`, `0x10` and ` 5` as numbers, too. */
export function queryNumber(least: number, most?: number, what = 'a whole number') {
  const bounds = most === undefined ? `of ${least} or more` : `from ${least} to ${most}`;
  const expected = `expected ${what} ${bounds} in plain digits`;
  const digits = z.string(expected).check(z.regex(/^\d{1,16}$/, expected));
  const number = z.int(expected).check(z.gte(least, expected), z.lte(most ?? Number.MAX_SAFE_INTEGER, expected));
  return z.pipe(z.pipe(digits, z.transform(Number)), number);
}

/** One of the values of an enum, in any case. */
export function inAnyCase<Enum extends z.ZodMiniType<string, string> & { readonly options: readonly string[] }>(
  schema: Enum,
) {
  const known = (text: string): string =>
    schema.options.find((option) => option.toLowerCase() === text.toLowerCase()) ?? text;
  return z.pipe(z.pipe(z.string(), z.transform(known)), schema);
}
