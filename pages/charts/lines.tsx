import { compact } from '../format.ts';
import { linePath, roundUp, short, type Point } from './scale.ts';

export type Line = { readonly values: readonly (number | null)[]; readonly kind: 'main' | 'before' };

type Props = {
  readonly lines: readonly Line[];
  readonly width?: number;
  readonly height?: number;
  /** The labels of the first and the last point. */
  readonly ends: readonly [string, string];
  readonly chosen?: number | undefined;
  readonly choose?: (index: number) => void;
};

const LEFT = 42;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 22;

/** Values by day. The period before is dashed, so that no colour tells the two apart alone. */
export function Lines({ lines, width = 560, height = 170, ends, chosen, choose }: Props) {
  const known = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  const top = roundUp(Math.max(...known, 0));
  const count = Math.max(2, ...lines.map(({ values }) => values.length));
  const x = (index: number) => LEFT + (index * (width - LEFT - RIGHT)) / (count - 1);
  const y = (value: number) => height - BOTTOM - (value * (height - TOP - BOTTOM)) / top;
  const pointsOf = ({ values }: Line): (Point | undefined)[] =>
    values.map((value, index) => (value === null ? undefined : { x: x(index), y: y(value) }));
  const main = lines.find(({ kind }) => kind === 'main');
  const mark = chosen === undefined ? undefined : main?.values[chosen];
  const pick = (event: MouseEvent) => {
    const { currentTarget, clientX } = event;
    if (!(currentTarget instanceof Element)) return;
    const box = currentTarget.getBoundingClientRect();
    const inside = ((clientX - box.left) / box.width) * width;
    choose?.(Math.max(0, Math.min(count - 1, Math.round(((inside - LEFT) / (width - LEFT - RIGHT)) * (count - 1)))));
  };
  const ticks = [0, ...(top % 2 === 0 ? [top / 2] : []), top];
  return (
    <svg class="chart" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" onMouseMove={choose && pick}>
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="gridline" x1={LEFT} x2={width - RIGHT} y1={short(y(tick))} y2={short(y(tick))} />
          <text class="axis end" x={LEFT - 6} y={short(y(tick) + 4)}>
            {compact(tick)}
          </text>
        </g>
      ))}
      <text class="axis" x={LEFT} y={height - 5}>
        {ends[0]}
      </text>
      <text class="axis end" x={width - RIGHT} y={height - 5}>
        {ends[1]}
      </text>
      {lines.map((line) => {
        const points = pointsOf(line);
        const [first, last] = [
          points.find((point) => point !== undefined),
          points.findLast((point) => point !== undefined),
        ];
        const path = linePath(points);
        return (
          <g key={line.kind} class={`line ${line.kind}`}>
            {line.kind === 'main' && first !== undefined && last !== undefined && (
              <path
                class="area"
                d={`${path}L${short(last.x)} ${height - BOTTOM}L${short(first.x)} ${height - BOTTOM}Z`}
              />
            )}
            <path class="stroke" d={path} />
            {first !== undefined && first === last && (
              <circle class="dot" cx={short(first.x)} cy={short(first.y)} r="3.5" />
            )}
          </g>
        );
      })}
      {chosen !== undefined && (
        <line class="cursor" x1={short(x(chosen))} x2={short(x(chosen))} y1={TOP} y2={height - BOTTOM} />
      )}
      {chosen !== undefined && mark !== undefined && mark !== null && (
        <circle class="dot" cx={short(x(chosen))} cy={short(y(mark))} r="4" />
      )}
    </svg>
  );
}
