import { cut, type BadgeText } from './images.ts';

const LABEL_COLOR = '#3d4148';
const HEIGHT = 20;
const SIDE = 6;

/** How wide a text is in 11 px Verdana, about: `textLength` then makes it exactly so wide, whatever the font is. */
function widthOf(text: string): number {
  const widths = Array.from(text, (character) => {
    if (/[.,:;'|!il]/u.test(character)) return 3.9;
    if (/[fjrt()\- ]/u.test(character)) return 4.6;
    if (/[mwMW@%]/u.test(character)) return 10.4;
    return /[A-Z#]/u.test(character) ? 8 : 6.9;
  });
  return Math.round(widths.reduce((sum, width) => sum + width, 0));
}

const MAX_CHARACTERS = 40;

/** A badge in the look of shields.io. */
export function Badge({ label: fullLabel, message: fullMessage, color }: BadgeText) {
  const [label, message] = [cut(fullLabel, MAX_CHARACTERS), cut(fullMessage, MAX_CHARACTERS)];
  const [labelWidth, messageWidth] = [widthOf(label), widthOf(message)];
  const [left, right] = [labelWidth + 2 * SIDE, messageWidth + 2 * SIDE];
  const text = `${label}: ${message}`;
  return (
    <svg xmlns="http://www.w3.org/2000/svg" width={left + right} height={HEIGHT} role="img" aria-label={text}>
      <title>{text}</title>
      <clipPath id="r">
        <rect width={left + right} height={HEIGHT} rx="3" fill="#fff" />
      </clipPath>
      <g clip-path="url(#r)">
        <rect width={left} height={HEIGHT} fill={LABEL_COLOR} />
        <rect x={left} width={right} height={HEIGHT} fill={color} />
      </g>
      <g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">
        <text x={SIDE} y="14" textLength={labelWidth} lengthAdjust="spacingAndGlyphs">
          {label}
        </text>
        <text x={left + SIDE} y="14" textLength={messageWidth} lengthAdjust="spacingAndGlyphs">
          {message}
        </text>
      </g>
    </svg>
  );
}
