/** The colours that the pages and cards make of a community's accent, and whether these can be read. */

/** `#1c6b40` */
type Hex = string;

/** The accent itself, text on it, a background for what is marked, and the days of a calendar from none to many. */
export type Palette = {
  readonly accent: Hex;
  readonly onAccent: Hex;
  readonly soft: Hex;
  readonly heat: readonly Hex[];
};

/** What the accent is read on: the ground of the pages that contrasts least with it, and the surface of cards. */
export const LIGHT = { least: '#eef2ec', surface: '#ffffff', none: '#e8ece6' } as const;
export const DARK = { least: '#1c251f', surface: '#161d18', none: '#212b24' } as const;
const [INK, PAPER] = ['#08150d', '#ffffff'] as const;

/** WCAG 2.2 AA asks for this of text. */
export const LEAST_CONTRAST = 4.5;

const channelsOf = (color: Hex): readonly number[] =>
  [1, 3, 5].map((start) => Number.parseInt(color.slice(start, start + 2), 16));

/** The relative luminance of WCAG 2.2. */
function luminanceOf(color: Hex): number {
  const [red = 0, green = 0, blue = 0] = channelsOf(color).map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** From 1, the same colour, to 21, black on white. */
export function contrastOf(one: Hex, other: Hex): number {
  const [low = 0, high = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** `share` of the first colour, and the rest of the second. */
function mixed(one: Hex, other: Hex, share: number): Hex {
  const others = channelsOf(other);
  const channels = channelsOf(one).map((channel, index) =>
    Math.round(share * channel + (1 - share) * (others[index] ?? 0)),
  );
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

/** As much of a colour as can be read on all grounds, mixed with black or white in steps of a hundredth. */
function readable(color: Hex, towards: Hex, grounds: (mix: Hex) => readonly Hex[]): Hex {
  const mixes = Array.from({ length: 101 }, (_, step) => mixed(color, towards, 1 - step / 100));
  const isReadable = (mix: Hex) => grounds(mix).every((ground) => contrastOf(mix, ground) >= LEAST_CONTRAST);
  return mixes.find(isReadable) ?? towards;
}

const SOFT_SHARE = 0.1;
const softOf = (accent: Hex, surface: Hex): Hex => mixed(accent, surface, SOFT_SHARE);

/** The accent, or the nearest darker one that can be read on the light pages. */
export const readableOnLight = (accent: Hex): Hex =>
  readable(accent.toLowerCase(), '#000000', (mix) => [LIGHT.least, softOf(mix, LIGHT.surface), PAPER]);

const paletteOn = ({ surface, none }: typeof LIGHT | typeof DARK, accent: Hex, onAccent: Hex): Palette => ({
  accent,
  onAccent,
  soft: softOf(accent, surface),
  heat: [none, ...[0.32, 0.56, 0.78].map((share) => mixed(accent, surface, share)), accent],
});

/** Of one accent, the colours of light and of dark pages: the dark ones have as much white as they need to be read. */
export function palettesOf(accent: Hex): { readonly light: Palette; readonly dark: Palette } {
  const light = readableOnLight(accent);
  const dark = readable(light, '#ffffff', (mix) => [DARK.least, softOf(mix, DARK.surface), INK]);
  return { light: paletteOn(LIGHT, light, PAPER), dark: paletteOn(DARK, dark, INK) };
}
