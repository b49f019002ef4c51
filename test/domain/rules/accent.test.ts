import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contrastOf, DARK, LEAST_CONTRAST, LIGHT, palettesOf, readableOnLight } from '../../../domain/rules/accent.ts';

const style = readFileSync(new URL('../../../pages/style.css', import.meta.url), 'utf8');

it.each([
  ['#000000', '#ffffff', '21.00'],
  ['#777777', '#ffffff', '4.48'], // the known near miss
  ['#1c6b40', '#1c6b40', '1.00'],
])('the contrast of %s and %s is %s', (one, other, contrast) => {
  expect(contrastOf(one, other).toFixed(2)).toBe(contrast);
});

it('grounds are those of the style', () => {
  for (const color of [LIGHT.least, LIGHT.surface, LIGHT.none, DARK.least, DARK.surface, DARK.none])
    expect(style).toContain(`: ${color};`);
});

it('any accent gives colours that can be read, in light and dark', () => {
  const color = fc.integer({ min: 0, max: 0xff_ff_ff }).map((value) => `#${value.toString(16).padStart(6, '0')}`);
  fc.assert(
    fc.property(color, (accent) => {
      const { light, dark } = palettesOf(accent);
      for (const [{ accent: own, onAccent, soft }, { least, surface }] of [
        [light, LIGHT],
        [dark, DARK],
      ] as const)
        for (const ground of [least, surface, soft, onAccent])
          expect(contrastOf(own, ground), `${own} of ${accent} on ${ground}`).toBeGreaterThanOrEqual(LEAST_CONTRAST);
      expect(readableOnLight(light.accent)).toBe(light.accent);
    }),
  );
});
