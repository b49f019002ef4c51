import * as z from 'zod/mini';
import { contrastOf, LEAST_CONTRAST, LIGHT, readableOnLight } from './accent.ts';

const EXPECTED_LOGO = 'expected the name of an svg, png, webp or jpg file in the folder of the community';
const EXPECTED_ACCENT = 'expected a colour as # and 6 hexadecimal digits';
const EXPECTED_HREF = 'expected an address that begins with https://, http://, mailto: or /';
const EXPECTED_BOARD = 'expected the name of a board';
const MAX_LINKS = 12;
const EXPECTED_LINKS = `expected at most ${MAX_LINKS} links`;

/** The name of an image that may be a logo. */
export const LOGO_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.(?:svg|png|webp|jpe?g)$/;
/** The logo is part of the first page, which is small. */
const MAX_LOGO_BYTES = 8_192;

/** How the pages of a community look. */
export const PageSettings = z.strictObject({
  logo: z.optional(z.string(EXPECTED_LOGO).check(z.regex(LOGO_NAME, EXPECTED_LOGO))),
  /** Of links, buttons and charts on light pages; the one of dark pages is made from it. */
  accent: z.optional(z.string(EXPECTED_ACCENT).check(z.regex(/^#[0-9A-Fa-f]{6}$/, EXPECTED_ACCENT))),
  /** At the foot of every page. */
  links: z.optional(
    z
      .array(
        z.strictObject({
          title: z.string().check(z.minLength(1), z.maxLength(100)),
          href: z
            .string(EXPECTED_HREF)
            .check(z.maxLength(1_000), z.regex(/^(?:https?:\/\/|mailto:|\/)[^\s]*$/, EXPECTED_HREF)),
        }),
      )
      .check(z.maxLength(MAX_LINKS, EXPECTED_LINKS)),
  ),
  /** The board that is shown first, instead of the first of all. */
  board: z.optional(z.string(EXPECTED_BOARD)),
});
export type PageSettings = z.infer<typeof PageSettings>;

/** What is around the settings of the pages; `logoBytes`: the size of the named file, if there is one. */
type Around = { readonly boards: readonly string[]; readonly logoBytes: number | undefined };

/** What the settings of the pages expect of the rest, and of people's eyes. */
export function* faultsOfPage(
  { logo, accent, board }: PageSettings,
  { boards, logoBytes }: Around,
): Generator<{ readonly path: string; readonly expected: string }, void> {
  if (board !== undefined && !boards.includes(board)) {
    yield { path: 'page.board', expected: `expected one of ${boards.join(', ')}` };
  }
  if (logo !== undefined && logoBytes === undefined) {
    yield { path: 'page.logo', expected: `expected a file of the folder, and there is no ${logo}` };
  } else if (logoBytes !== undefined && logoBytes > MAX_LOGO_BYTES) {
    const expected = `expected a file of at most ${MAX_LOGO_BYTES} bytes, and ${logo} has ${logoBytes}`;
    yield { path: 'page.logo', expected };
  }
  const readable = accent === undefined ? undefined : readableOnLight(accent);
  if (accent !== undefined && readable !== accent.toLowerCase()) {
    const contrast = contrastOf(accent, LIGHT.least).toFixed(1);
    const expected =
      `expected a colour that can be read on light pages, which takes a contrast of ${LEAST_CONTRAST}: ` +
      `${accent} has ${contrast}, and ${readable} is dark enough`;
    yield { path: 'page.accent', expected };
  }
}
