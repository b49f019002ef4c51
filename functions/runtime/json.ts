import * as z from 'zod/mini';
import { madeOnce } from '../../domain/shared/made-once.ts';

/** `JSON.rawJSON` gives digits to `JSON.stringify` as they are; the library's types do not know it yet. */
const Json = z.object({ rawJSON: z.custom<(text: string) => object>((value) => typeof value === 'function') });
const { rawJSON } = Json.parse(
  Object.fromEntries([['rawJSON', Object.getOwnPropertyDescriptor(JSON, 'rawJSON')?.value]]),
);

/**
 * A value as JSON text. A bigint is written with all its digits: JSON's numbers have no limit, a double has. Few values hold
 * one, and looking at each member takes three times as long, so that is done only if it is needed.
 */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // what JSON says of a bigint
    return JSON.stringify(value, (_key, member: unknown) =>
      typeof member === 'bigint' ? rawJSON(String(member)) : member,
    );
  }
}

/** The same, but made once for each object. The object must not change afterwards. */
export const toKeptJson = madeOnce<object, string>(toJson);
