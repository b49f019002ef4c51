import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { hrefOf, toggled, type CommunityAddress, type PersonAddress } from '../address.ts';
import { Head, useSurroundings } from '../parts/pieces.tsx';

/** Whether a figure's table is open by the address of its page, and the address with that turned. */
export const tableIn = (address: PersonAddress | CommunityAddress, id: string) => ({
  isTableOpen: address.open.includes(id),
  toggleHref: hrefOf(toggled(address, id)),
});

/** The numbers of a figure, for people who would rather read them. */
export type Numbers = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
};

type FigureProps = {
  /** It names the figure's table in the address. */
  readonly id: string;
  readonly title: string;
  /** What the figure shows, in a sentence. */
  readonly sentence: string;
  /** How many points there are to walk through; 0 for a figure that is read at a glance. */
  readonly count: number;
  /** How far the arrow keys go: left and right, up and down. */
  readonly steps?: { readonly across: number; readonly down: number };
  /** The description of one point. */
  readonly describe: (index: number) => string;
  readonly draw: (chosen: number | undefined, choose: (index: number | undefined) => void) => ComponentChildren;
  readonly table: Numbers;
  readonly isTableOpen: boolean;
  /** The address with the table opened, or closed. */
  readonly toggleHref: string;
};

/** A drawing with a name, a sentence, a table behind a button, and a point that arrow keys move. */
export function Figure(props: FigureProps) {
  const { id, title, sentence, count, steps = { across: 1, down: 0 }, describe, draw, table, isTableOpen } = props;
  const { isLive } = useSurroundings();
  const [chosen, choose] = useState<number>();
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: -steps.across,
      ArrowRight: steps.across,
      ArrowUp: -steps.down,
      ArrowDown: steps.down,
    };
    const last = count - 1;
    const end = event.key === 'Home' ? 0 : event.key === 'End' ? last : undefined;
    const move = moves[event.key] ?? 0;
    if (end === undefined && move === 0) return;
    event.preventDefault();
    const next = end ?? (chosen ?? (move < 0 ? count : -1)) + move;
    choose(Math.max(0, Math.min(last, next)));
  };
  const canMove = isLive && count > 0;
  return (
    <figure class="figure" aria-labelledby={`${id}-title`}>
      <figcaption>
        <span id={`${id}-title`} class="figure-title">
          {title}
        </span>{' '}
        <span class="faint small">{sentence}</span>
      </figcaption>
      <div
        class="drawing"
        {...(canMove
          ? { tabIndex: 0, role: 'group', 'aria-label': `${title}: arrow keys move through it`, onKeyDown }
          : {})}
        onMouseLeave={() => choose(undefined)}
      >
        {draw(chosen, choose)}
      </div>
      <div class="figure-foot">
        <output class="small" aria-live="polite">
          {chosen === undefined ? '' : describe(chosen)}
        </output>
        <a class="small toggle" href={props.toggleHref} aria-expanded={isTableOpen} role="button" data-keep-scroll>
          {isTableOpen ? 'Hide the table' : 'Show as a table'}
          <span class="unseen">: {title}</span>
        </a>
      </div>
      {isTableOpen && <NumbersTable title={title} {...table} />}
    </figure>
  );
}

const NumbersTable = ({ title, columns, rows }: Numbers & { readonly title: string }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label={`${title}: table`}>
    <table class="rows numbers">
      <Head columns={columns.map((column, index) => (index === 0 ? column : { num: column }))} />
      <tbody>
        {rows.map(([first, ...values]) => (
          <tr key={first}>
            <th scope="row">{first}</th>
            {values.map((value, index) => (
              <td key={index} class="num">
                {value}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
