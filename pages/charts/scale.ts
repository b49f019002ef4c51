/** Numbers to places: what every chart computes, with whole or short decimals so that the markup stays small. */

export const short = (value: number): string => String(Math.round(value * 10) / 10);

const STEPS = [1, 2, 2.5, 5, 10] as const;

/** The least round number that is not below a value: where an axis ends. */
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  const step = STEPS.find((each) => each * unit >= value) ?? 10;
  return Math.max(1, step * unit);
}

/** A level from 0 to 4: nothing, then quarters of what there is by rank, so that one large day does not pale all others. */
export function levelsOf(values: readonly number[]): (value: number) => 0 | 1 | 2 | 3 | 4 {
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [low, middle, high] = [at(0.25), at(0.5), at(0.75)];
  return (value) => {
    if (value <= 0) return 0;
    if (value <= low) return 1;
    if (value <= middle) return 2;
    return value <= high ? 3 : 4;
  };
}

export type Point = { readonly x: number; readonly y: number };

/** A line through points; it breaks at each gap. */
export function linePath(points: readonly (Point | undefined)[]): string {
  let isDrawing = false;
  return points
    .map((point) => {
      if (point === undefined) {
        isDrawing = false;
        return '';
      }
      const command = isDrawing ? 'L' : 'M';
      isDrawing = true;
      return `${command}${short(point.x)} ${short(point.y)}`;
    })
    .join('');
}
