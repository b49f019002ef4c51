import * as z from 'zod/mini';

/** What people read later, and what tells two things apart: every character is one that they can see. */

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const BIDIRECTIONAL = /[\u202a-\u202e\u2066-\u2069]/u;
/** A variation selector belongs to the character before it: most emoji end with one. */
const INVISIBLE = /[[\p{Default_Ignorable_Code_Point}--\p{Variation_Selector}]\ufff9-\ufffb]/v;
const HAS_INK = /[^\p{White_Space}\p{Variation_Selector}\u2800]/u;
/** Where bytes were no UTF-8, a lenient decoder leaves this: it would make one text of several. */
const REPLACEMENT = '\ufffd';
/** Everything that a terminal obeys, hides or turns around. A line break is one of them. */
const UNSEEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}[\p{Default_Ignorable_Code_Point}--\p{Variation_Selector}]\ufff9-\ufffb]/gv;

export type TextBounds = {
  /** Code points. */
  readonly characters: number;
  /** In UTF-8: storage is billed by bytes. */
  readonly bytes: number;
};

/**
 * Whether a text has more than `bytes` bytes in UTF-8. Each UTF-16 unit has at most three, so short texts need no
 * count.
 */
export const isLargerThan = (text: string, bytes: number): boolean =>
  text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;

/** The fault of a text as a sentence; undefined if it has none. */
function faultOf(text: string, { characters, bytes }: TextBounds): string | undefined {
  const isTooLong = text.length > characters && Array.from(text).length > characters;
  const isTooLarge = isLargerThan(text, bytes);
  if (isTooLong) return `expected at most ${characters} characters`;
  if (isTooLarge) return `expected at most ${bytes} bytes of UTF-8`;
  if (!text.isWellFormed()) return 'expected no half of a surrogate pair';
  if (CONTROL.test(text)) return 'expected no control characters or line breaks';
  if (BIDIRECTIONAL.test(text)) return 'expected no bidirectional overrides or isolates';
  if (INVISIBLE.test(text)) return 'expected no zero-width or invisible characters';
  if (text.includes(REPLACEMENT)) return 'expected no U+FFFD: it takes the place of bytes that are not UTF-8';
  if (!HAS_INK.test(text)) return 'expected at least one character that is not a space';
  return undefined;
}

/** Printable text for ids, reasons and labels. It refuses with one sentence. */
export const printableText = (bounds: TextBounds) =>
  z.string('expected text').check(
    z.check((payload) => {
      const message = faultOf(payload.value, bounds);
      if (message !== undefined) payload.issues.push({ code: 'custom', message, input: payload.value });
    }),
    z.meta({ minLength: 1, maxLength: bounds.characters }),
  );

/** The text with everything unseen as `\u001b`: harmless to a terminal, and the same text to a reader of JSON. */
export const withEscapes = (text: string): string =>
  text.replaceAll(UNSEEN, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
