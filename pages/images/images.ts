import { palettesOf, type Palette } from '../../domain/rules/accent.ts';
import type { CalendarDay } from '../charts/calendar.tsx';
import { visible } from '../format.ts';

/** A text as an image has it: nothing unseen in it, and cut where it would be too wide. */
export function cut(text: string, most: number): string {
  const shown = visible(text);
  return shown.length > most ? `${shown.slice(0, most - 1)}…` : shown;
}

/** A badge in the look of shields.io: a label on grey, a message on a colour. */
export type BadgeText = { readonly label: string; readonly message: string; readonly color: string };

export const GREEN = '#2e7d4f';
export const GREY = '#6b6f76';

export const THEMES = ['light', 'dark', 'auto'] as const;
export type Theme = (typeof THEMES)[number];

/** Ground, ink, faint ink and line of each theme, and the colours of a community without an accent of its own. */
const LIGHT = '--g:#fff;--i:#16201a;--f:#56625a;--l:#dbe2da;';
const DARK = '--g:#161d18;--i:#e9efea;--f:#a1afa6;--l:#2a352d;';
const USUAL = {
  light: '--a:#1c6b40;--h0:#e8ece6;--h1:#b9dfc4;--h2:#7cc493;--h3:#3f9d63;--h4:#1c6b40',
  dark: '--a:#74d39b;--h0:#212b24;--h1:#1f4a31;--h2:#2a7048;--h3:#43a26b;--h4:#74d39b',
};
const SHARED =
  '.g{fill:var(--g);stroke:var(--l)}.i{fill:var(--i)}.f,.axis{fill:var(--f)}.a{fill:var(--a)}.axis{font-size:10px}' +
  [0, 1, 2, 3, 4].map((level) => `.heat-${level}{fill:var(--h${level})}`).join('');

const colorsOf = ({ accent, heat }: Palette): string =>
  [`--a:${accent}`, ...heat.map((color, level) => `--h${level}:${color}`)].join(';');

/** The style of each theme: the same for all cards, so that an answer's policy can name its hash and allow no other. */
export function stylesOf(accent: string | undefined): Readonly<Record<Theme, string>> {
  const palettes = accent === undefined ? undefined : palettesOf(accent);
  const light = `svg{${LIGHT}${palettes === undefined ? USUAL.light : colorsOf(palettes.light)}}`;
  const dark = `svg{${DARK}${palettes === undefined ? USUAL.dark : colorsOf(palettes.dark)}}`;
  return {
    light: light + SHARED,
    dark: dark + SHARED,
    auto: `${light}@media(prefers-color-scheme:dark){${dark}}${SHARED}`,
  };
}

export type CardText = {
  readonly name: string;
  /** Shown if there are no figures. */
  readonly notice?: string;
  readonly community: string;
  readonly score?: number;
  readonly tier?: string;
  readonly rank?: number | null;
  readonly days: readonly CalendarDay[];
};
