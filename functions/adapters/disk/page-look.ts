import { join } from 'node:path';
import { palettesOf, type Palette } from '../../../domain/rules/accent.ts';
import type { Community } from '../../../domain/rules/community.ts';

/** What a community's pages look like beside their style: more style, and the file of a logo. */
export type PageLook = { readonly style: string; readonly logo?: string | undefined };

export function pageLookOf({ settings: { page = {} } }: Community, directory: string): PageLook {
  const { accent, logo } = page;
  return { style: accent === undefined ? '' : styleOf(accent), logo: logo && join(directory, logo) };
}

function styleOf(color: string): string {
  const { light, dark } = palettesOf(color);
  return `:root{${variablesOf(light)}}@media (prefers-color-scheme:dark){:root{${variablesOf(dark)}}}`;
}

const variablesOf = ({ accent, onAccent, soft, heat }: Palette): string =>
  [
    ...[`--accent:${accent}`, `--on-accent:${onAccent}`, `--soft:${soft}`],
    ...heat.map((color, level) => `--heat-${level}:${color}`),
  ].join(';');
