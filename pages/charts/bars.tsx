import { number } from '../format.ts';

export type Part = { readonly name: string; readonly value: number };

/** Parts of a whole in one bar; a pattern of gaps and a legend with numbers tell them apart, not the colour alone. */
export function StackedBar({ parts }: { readonly parts: readonly Part[] }) {
  const total = Math.max(
    1,
    parts.reduce((sum, { value }) => sum + value, 0),
  );
  const starts = parts.map((_, index) => parts.slice(0, index).reduce((sum, { value }) => sum + value, 0));
  return (
    <div class="stacked">
      <svg class="stack" viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
        {parts.map(({ name, value }, index) => (
          <rect
            key={name}
            class={`part-${index % 6}`}
            x={((1000 * (starts[index] ?? 0)) / total).toFixed(1)}
            width={Math.max(0, (1000 * value) / total - 3).toFixed(1)}
            height="24"
          />
        ))}
      </svg>
      <ul class="legend">
        {parts.map(({ name, value }, index) => (
          <li key={name}>
            <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
              <rect class={`part-${index % 6}`} width="10" height="10" rx="2" />
            </svg>
            {name} <strong class="num">{number(value)}</strong>
          </li>
        ))}
      </ul>
    </div>
  );
}

const WIDTH = 560;
const HEIGHT = 170;

/** Two values a day on top of each other: the lower one full, the upper one an outline. */
export function DailyBars({
  lower,
  upper,
  ends,
  chosen,
  choose,
}: {
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  /** The labels of the first and the last day. */
  readonly ends: readonly [string, string];
  readonly chosen?: number | undefined;
  readonly choose?: (index: number) => void;
}) {
  const top = Math.max(1, ...lower.map((value, index) => value + (upper[index] ?? 0)));
  const ground = HEIGHT - 22;
  const step = WIDTH / Math.max(1, lower.length);
  const size = (value: number) => (value * (ground - 4)) / top;
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <line class="gridline" x1="0" x2={WIDTH} y1={ground} y2={ground} />
      <text class="axis" x="0" y={HEIGHT - 5}>
        {ends[0]}
      </text>
      <text class="axis end" x={WIDTH} y={HEIGHT - 5}>
        {ends[1]}
      </text>
      {lower.map((value, index) => {
        const above = upper[index] ?? 0;
        const box = { x: (index * step + step * 0.1).toFixed(1), width: (step * 0.8).toFixed(1) };
        return (
          <g key={index} class={index === chosen ? 'day chosen' : 'day'} onMouseEnter={choose && (() => choose(index))}>
            <rect class="back" x={(index * step).toFixed(1)} width={step.toFixed(1)} height={ground} />
            <rect class="lower" {...box} y={(ground - size(value)).toFixed(1)} height={size(value).toFixed(1)} />
            <rect
              class="upper"
              {...box}
              y={(ground - size(value) - size(above)).toFixed(1)}
              height={size(above).toFixed(1)}
            />
          </g>
        );
      })}
    </svg>
  );
}
