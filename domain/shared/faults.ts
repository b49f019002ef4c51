import * as z from 'zod/mini';
import { err, ok, type Result } from './result.ts';
import { withEscapes } from './text.ts';

/** A fault of one field of an input; `expected` is part of a sentence for people. */
export type Fault = { readonly field: string; readonly expected: string };

/** A body of wrong items would have as many faults as items. */
const MAX_FAULTS = 20;
const MAX_NAME_CHARACTERS = 64;

/**
 * Checks a value against its schema. Each field has one fault at most, in words that were written by hand: the schema's
 * own, else those of `wordsOf`. `root` is the name of the value itself.
 */
export function check<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
  root: string,
): Result<z.output<Schema>, readonly Fault[]> {
  const parsed = z.safeParse(schema, value, { error: wordsOf });
  if (parsed.success) return ok(parsed.data);
  const faults = new Map<string, Fault>();
  for (const issue of parsed.error.issues) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    for (const key of keys) {
      if (faults.size === MAX_FAULTS) break;
      const field = nameOf(key === undefined ? issue.path : [...issue.path, key], root);
      const isMissing = key === undefined && valueAt(value, issue.path) === undefined;
      const expected = isMissing ? `missing, ${issue.message}` : issue.message;
      if (!faults.has(field)) faults.set(field, { field, expected });
    }
  }
  return err([...faults.values()]);
}

/** All faults as one sentence. */
export const sentenceOf = (faults: readonly Fault[]): string =>
  faults.map(({ field, expected }) => `${field}: ${expected}`).join('; ');

/** An object without its null fields: an optional field that is null counts as missing. */
export function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

/** A sender's own name of a field may be anything. */
function nameOf(path: readonly PropertyKey[], root: string): string {
  if (path.length === 0) return root;
  return path.map((part) => withEscapes(String(part).slice(0, MAX_NAME_CHARACTERS))).join('.');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null ? Object.getOwnPropertyDescriptor(inner, part)?.value : undefined,
    value,
  );
}

/** Plain words for the expectation of a schema that has none of its own. */
function wordsOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${TYPES.get(issue.expected) ?? 'another type'}`;
    case 'invalid_value':
      return `expected ${alternatives(issue.values.map(String))}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${amountOf(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${amountOf(issue.maximum, issue.origin)}`;
    case 'unrecognized_keys':
      return 'unknown field';
    case 'invalid_format':
      return 'expected another form';
    case 'not_multiple_of':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return 'expected another value';
  }
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['string', 'text'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'an object'],
]);

const UNITS: ReadonlyMap<string, string> = new Map([
  ['string', ' characters'],
  ['array', ' items'],
]);
const amountOf = (amount: number | bigint, origin: string): string => `${amount}${UNITS.get(origin) ?? ''}`;

/** `a, b or c` */
const alternatives = (values: readonly string[]): string =>
  [values.slice(0, -1).join(', '), ...values.slice(-1)].filter((part) => part !== '').join(' or ');
