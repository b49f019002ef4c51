/** Texts for keys that break careless keys: they would be split, folded, sorted wrongly or cut. */
export const ODD_TEXTS = [
  '~',
  '#',
  'a#b',
  'a/b//c',
  'a~b',
  'A',
  'a',
  'über 🦊',
  'u\u0308ber 🦊',
  '__proto__',
  'x'.repeat(127),
  'x'.repeat(128),
  '🦊'.repeat(128),
] as const;
