import { monthName } from '../format.ts';
import { levelsOf } from './scale.ts';

/** One day of a calendar; null if nothing is known of it. */
export type CalendarDay = { readonly date: string; readonly gained: number | null };

const CELL = 13;
const SIZE = 11;
const LEFT = 30;
const TOP = 18;
const WEEKDAYS = ['Mon', '', 'Wed', '', 'Fri', '', ''] as const;

type Props = {
  /** From a Monday on. */
  readonly days: readonly CalendarDay[];
  readonly chosen?: number | undefined;
  readonly choose?: (index: number) => void;
};

export const calendarSize = (days: number) => ({
  width: LEFT + Math.ceil(days / 7) * CELL,
  height: TOP + 7 * CELL,
});

/** Points gained a day: a column a week, the more the darker. Cards draw the same. */
export function Calendar({ days, chosen, choose }: Props) {
  const level = levelsOf(days.map(({ gained }) => gained ?? 0));
  const place = (index: number) => ({ x: LEFT + Math.floor(index / 7) * CELL, y: TOP + (index % 7) * CELL });
  return (
    <>
      {days.map(({ date }, index) => {
        const isFirstWeek = index % 7 === 0 && Number(date.slice(8)) <= 7;
        return isFirstWeek ? (
          <text key={date} class="axis" x={place(index).x} y={TOP - 6}>
            {monthName(date)}
          </text>
        ) : null;
      })}
      {WEEKDAYS.map((name, index) =>
        name === '' ? null : (
          <text key={name} class="axis" x="0" y={TOP + index * CELL + 9}>
            {name}
          </text>
        ),
      )}
      {days.map(({ date, gained }, index) => (
        <rect
          key={date}
          class={`heat-${level(gained ?? 0)}${index === chosen ? ' chosen' : ''}`}
          {...place(index)}
          width={SIZE}
          height={SIZE}
          rx="2.5"
          onMouseEnter={choose && (() => choose(index))}
        />
      ))}
    </>
  );
}
