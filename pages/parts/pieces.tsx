import type { ComponentChildren } from 'preact';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { personHref } from '../address.ts';
import { besideLocal, localTime, number, utcTime, visible, withSign } from '../format.ts';
import type { Get } from '../api.ts';
import type { Site } from '../site.ts';

/** What small parts need to know of where they are. `isLive`: in a browser, after its scripts took over. */
export type Surroundings = {
  readonly site: Site;
  readonly isLive: boolean;
  /** Of a browser that goes on by itself. */ readonly get?: Get | undefined;
};
export const Around = createContext<Surroundings | undefined>(undefined);

export function useSurroundings(): Surroundings {
  const around = useContext(Around);
  if (around === undefined) throw new Error('A part of a page is drawn outside of it');
  return around;
}

/** Somebody's name as a link to their page; the direction of its text stays its own. */
export const Name = ({ username }: { readonly username: string }) => (
  <a class="name" href={personHref(username)}>
    <bdi>{visible(username)}</bdi>
  </a>
);

/** A stranger's text. */
export const Text = ({ children }: { readonly children: string }) => <bdi class="said">{visible(children)}</bdi>;

/** A time: in UTC as it comes, and in the reader's zone as soon as that is known. */
export function Time({ iso }: { readonly iso: string }) {
  const { isLive } = useSurroundings();
  if (!isLive) return <time dateTime={iso}>{utcTime(iso)}</time>;
  return (
    <time dateTime={iso}>
      {localTime(iso)} <span class="faint">({besideLocal(iso)})</span>
    </time>
  );
}

export const Points = ({ value }: { readonly value: number }) => <span class="points">{number(value)}</span>;

/** A tier: its name, and as many filled leaves as it is high. */
export function Tier({ name }: { readonly name: string }) {
  const { tiers } = useSurroundings().site;
  if (name === '') return null;
  const level = tiers.indexOf(name);
  return (
    <span class={`tier tier-${level < 0 ? 0 : Math.min(level, 5)}`}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d="M1.5 10.5C1 5 5 1.5 10.5 1.5c0 5.5-3.5 9.5-9 9Z" fill="currentColor" />
      </svg>
      {name}
    </span>
  );
}

/** Places gained or lost: an arrow and a number to see, a sentence to hear. */
export function Change({ change }: { readonly change: number | null | undefined }) {
  if (change === undefined) return null;
  if (change === null) {
    return (
      <span class="change new" title="Was not among the first 1,000 then">
        new
      </span>
    );
  }
  const steps = Math.abs(change);
  if (steps === 0) {
    return (
      <span class="change same">
        <span aria-hidden="true">·</span>
        <span class="unseen">no change</span>
      </span>
    );
  }
  const isUp = change > 0;
  return (
    <span class={`change ${isUp ? 'up' : 'down'}`} title={`${withSign(change)} ${steps === 1 ? 'place' : 'places'}`}>
      <span aria-hidden="true">
        {isUp ? '▲' : '▼'} {number(steps)}
      </span>
      <span class="unseen">
        {isUp ? 'up' : 'down'} {number(steps)}
      </span>
    </span>
  );
}

/** A column of text, of numbers, or one that narrow screens leave out. */
type Column = string | { readonly num: string } | { readonly wide: string };

const ofKind = (column: Exclude<Column, string>) =>
  'num' in column ? (['num', column.num] as const) : (['wide-only', column.wide] as const);

/** The head of a table. */
export const Head = ({ columns }: { readonly columns: readonly Column[] }) => (
  <thead>
    <tr>
      {columns.map((column) => {
        const [kind, title] = typeof column === 'string' ? [undefined, column] : ofKind(column);
        return (
          <th key={title} scope="col" class={kind}>
            {title}
          </th>
        );
      })}
    </tr>
  </thead>
);

/** What is shown where the API refused or did not answer. */
export const Failed = ({ what, sentence }: { readonly what: string; readonly sentence: string }) => (
  <p class="notice failed" role="alert">
    <strong>{what} cannot be shown now.</strong> {visible(sentence)}
  </p>
);

export const Notice = ({ children }: { readonly children: ComponentChildren }) => <p class="notice">{children}</p>;

export const Card = ({
  title,
  id,
  aside,
  children,
}: {
  readonly title: string;
  readonly id: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}) => (
  <section class="card" aria-labelledby={id}>
    <header class="card-head">
      <h2 id={id}>{title}</h2>
      {aside}
    </header>
    {children}
  </section>
);
