import { levelsOf } from './scale.ts';

export const HOURS = 24;
const [LEFT, TOP, WIDE, HIGH, GAP] = [34, 18, 38, 22, 3] as const;

type Props = {
  /** The name of each row. */
  readonly rows: readonly string[];
  /** Row by row, a value an hour. */
  readonly cells: readonly number[];
  readonly chosen?: number | undefined;
  readonly choose?: (index: number) => void;
};

/** The hours of a week: a row a day, the more the darker. */
export function HourMap({ rows, cells, chosen, choose }: Props) {
  const level = levelsOf(cells);
  return (
    <svg class="calendar" viewBox={`0 0 ${LEFT + HOURS * WIDE} ${TOP + rows.length * HIGH}`} aria-hidden="true">
      {Array.from({ length: HOURS / 3 }, (_, index) => (
        <text key={index} class="axis" x={LEFT + index * 3 * WIDE} y={TOP - 6}>
          {String(index * 3).padStart(2, '0')}
        </text>
      ))}
      {rows.map((name, row) => (
        <text key={name} class="axis" x="0" y={TOP + row * HIGH + 13}>
          {name}
        </text>
      ))}
      {cells.map((value, index) => (
        <rect
          key={index}
          class={`heat-${level(value)}${index === chosen ? ' chosen' : ''}`}
          x={LEFT + (index % HOURS) * WIDE}
          y={TOP + Math.floor(index / HOURS) * HIGH}
          width={WIDE - GAP}
          height={HIGH - GAP}
          rx="3"
          onMouseEnter={choose && (() => choose(index))}
        />
      ))}
    </svg>
  );
}
