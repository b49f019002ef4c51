import type { BoardPlaceView, RankedRowView } from '../../domain/leaderboards/views.ts';
import { endOf, hrefOf, type BoardAddress } from '../address.ts';
import { boardPath } from '../api.ts';
import { counted, longDate, number, visible } from '../format.ts';
import { comparisonOf } from '../load.ts';
import type { BoardData } from '../state.ts';
import { Card, Change, Failed, Head, Name, Notice, Points, Text, Tier, Time, useSurroundings } from './pieces.tsx';

const SINCE = { day: 'a day ago', week: '7 days ago', month: '30 days ago' } as const;

type Props = { readonly address: BoardAddress; readonly data: BoardData; readonly today: string };

export function BoardPage({ address, data, today }: Props) {
  const { rows } = data;
  return (
    <>
      <Heading address={address} data={data} />
      <Controls address={address} today={today} board={data.board} />
      {rows.ok ? (
        <Rows address={address} data={data} />
      ) : (
        <>
          {address.at !== undefined && rows.status === 400 ? (
            <Notice>
              No board is kept of {longDate(address.at)}. <ShowToday address={address} />
            </Notice>
          ) : (
            <Failed what="The board" sentence={rows.sentence} />
          )}
          <YourPlace address={address} data={data} />
        </>
      )}
    </>
  );
}

const CROWN = ['first', 'second', 'third'] as const;

function Heading({ address, data: { board, rows } }: Omit<Props, 'today'>) {
  const { site } = useSurroundings();
  return (
    <div class="heading">
      <div>
        <h1>Leaderboard</h1>
        <p class="faint">
          {rows.ok && rows.view.asOf !== null ? (
            <>
              {counted(rows.view.total, 'person', 'people')} · as of <Time iso={rows.view.asOf} />
            </>
          ) : (
            'Who leads, who climbs, and why'
          )}
        </p>
      </div>
      <nav class="tabs" aria-label="Boards">
        {site.boards.map(({ name, title }) => (
          <a
            key={name}
            href={hrefOf({ ...address, board: name, cursor: undefined })}
            aria-current={name === board ? 'page' : undefined}
          >
            {title}
          </a>
        ))}
      </nav>
    </div>
  );
}

/** What a form must carry along, so that one choice does not undo another. */
const Kept = ({ values }: { readonly values: Readonly<Record<string, string | undefined>> }) => (
  <>
    {Object.entries(values).map(([name, value]) =>
      value === undefined ? null : <input key={name} type="hidden" name={name} value={value} />,
    )}
  </>
);

function Controls({ address, today, board }: { address: BoardAddress; today: string; board: string }) {
  const { site } = useSurroundings();
  const { at, q, you } = address;
  const csv = boardPath(board, {
    limit: 1_000,
    at: endOf(at, today),
    compare: comparisonOf(site, board),
    format: 'csv',
  });
  return (
    <div class="controls">
      <form action="/" method="get" role="search">
        <Kept values={{ board: address.board, at, you }} />
        <label for="q">Find a name</label>
        <input
          id="q"
          name="q"
          type="search"
          value={visible(q ?? '')}
          placeholder="Name"
          maxLength={64}
          autocomplete="off"
        />
        <button type="submit">Find</button>
      </form>
      <form action="/" method="get">
        <Kept values={{ board: address.board, q, you }} />
        <label for="at">As it was on</label>
        <input id="at" name="at" type="date" value={at ?? ''} max={today} min="2020-01-01" />
        <button type="submit">Go</button>
      </form>
      <a class="button quiet" href={csv.path} data-plain>
        CSV
      </a>
    </div>
  );
}

const ShowToday = ({ address }: { readonly address: BoardAddress }) => (
  <a href={hrefOf({ ...address, at: undefined })}>Show today</a>
);

function Rows({ address, data }: Omit<Props, 'today'>) {
  const { site } = useSurroundings();
  const { rows, search, board } = data;
  if (!rows.ok) return null;
  const { rows: shown, next, total } = rows.view;
  const { q, cursor, at } = address;
  const isFirst = cursor === undefined && q === undefined;
  const podium = isFirst && shown.length >= 3 ? shown.slice(0, 3) : [];
  const listed = shown.slice(podium.length);
  const isCompared = shown.some(({ change }) => change !== undefined && change !== null);
  return (
    <>
      {at !== undefined && (
        <Notice>
          The board as it was at the end of {longDate(at)}. <ShowToday address={address} />
        </Notice>
      )}
      {q !== undefined && <Found address={address} count={shown.length} search={search} />}
      {total === 0 && q === undefined && (
        <Notice>
          Nobody is on this board yet. Send an event, and look again in a minute: the board follows by itself.
        </Notice>
      )}
      {podium.length > 0 && (
        <ol class="podium" aria-label="The first three">
          {podium.map((row, index) => (
            <li key={row.username} class={CROWN[index]}>
              <span class="medal">
                <span class="unseen">rank </span>
                {number(row.rank)}
              </span>
              <Name username={row.username} />
              <strong class="big">{number(row.points)}</strong>
              <span class="podium-foot">
                <Tier name={row.tier} /> {isCompared && <Change change={row.change} />}
              </span>
            </li>
          ))}
        </ol>
      )}
      <YourPlace address={address} data={data} />
      {listed.length > 0 && <Table rows={listed} top={shown[0]?.points ?? 1} board={board} isCompared={isCompared} />}
      <nav class="pager" aria-label="Pages of the board">
        {cursor !== undefined && <a href={hrefOf({ ...address, cursor: undefined })}>First page</a>}
        {next !== undefined && (
          <a rel="next" href={hrefOf({ ...address, cursor: next })}>
            Next page
          </a>
        )}
      </nav>
      <p class="faint small">
        {isCompared
          ? `Movement is against the board ${SINCE[comparisonOf(site, board)]}. `
          : 'Movement shows as soon as there is an earlier board to compare with. '}
        Points are {windowText(board)}; days are in UTC.
      </p>
    </>
  );
}

const windowText = (board: string): string =>
  board === 'alltime' ? 'the whole score' : 'what the days of the board added to the score';

function Table({
  rows,
  top,
  board,
  isCompared,
  own,
}: {
  readonly rows: readonly RankedRowView[];
  readonly top: number;
  readonly board: string;
  readonly isCompared: boolean;
  readonly own?: string | undefined;
}) {
  return (
    <table class="rows">
      <caption class="unseen">Ranks of the board {board}</caption>
      <Head
        columns={[{ num: 'Rank' }, ...(isCompared ? ['Moved'] : []), 'Name', { wide: 'Tier' }, { num: 'Points' }]}
      />
      <tbody>
        {rows.map((row) => (
          <tr key={row.username} class={row.username === own ? 'own' : undefined}>
            <td class="num rank">{number(row.rank)}</td>
            {isCompared && (
              <td>
                <Change change={row.change} />
              </td>
            )}
            <th scope="row">
              <Name username={row.username} />
              {row.username === own && <span class="you-mark">you</span>}
            </th>
            <td class="wide-only">
              <Tier name={row.tier} />
            </td>
            <td class="num">
              <Points value={row.points} />
              <svg class="share" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">
                <rect class="track" width="100" height="3" />
                <rect class="fill" width={Math.max(1, (100 * row.points) / Math.max(1, top)).toFixed(1)} height="3" />
              </svg>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Found({ address, count, search }: { address: BoardAddress; count: number; search: BoardData['search'] }) {
  const name = <Text>{address.q ?? ''}</Text>;
  return (
    <>
      {search?.ok === false && <Failed what="The rest of the board" sentence={search.sentence} />}
      <Notice>
        {count === 0 ? (
          <>Nobody on this board has “{name}” in their name.</>
        ) : (
          <>
            {counted(count, 'name')} with “{name}”; ranks are those of the whole board.
            {search?.ok === true && search.view.isCut && ' There may be others: type more of the name.'}
          </>
        )}{' '}
        <a href={hrefOf({ ...address, q: undefined })}>Show all</a>
      </Notice>
    </>
  );
}

/** The reader's own place, remembered by the browser; without scripts, by the address. */
function YourPlace({ address, data }: Omit<Props, 'today'>) {
  const { own, board } = data;
  const { you } = address;
  if (you === undefined) {
    return (
      <form action="/" method="get" class="you-form" data-you>
        <Kept values={{ board: address.board, at: address.at }} />
        <label for="you">Find your own place</label>
        <input id="you" name="you" maxLength={64} placeholder="Your name here" autocomplete="username" />
        <button type="submit">Remember me</button>
      </form>
    );
  }
  const forget = (
    <a class="small" href={hrefOf({ ...address, you: undefined })} data-forget>
      Not you?
    </a>
  );
  return (
    <Card title="Your place" id="your-place" aside={forget}>
      {own?.ok === true ? (
        <Table
          rows={aroundOf(you, own.view)}
          top={own.view.above[0]?.points ?? own.view.points}
          board={board}
          isCompared={false}
          own={you}
        />
      ) : (
        <p>
          <Name username={you} /> is not on this board{own === undefined ? '' : `: ${own.sentence}`}.
        </p>
      )}
    </Card>
  );
}

/** The rows above and below, and the own one between them. */
function aroundOf(username: string, place: BoardPlaceView): readonly RankedRowView[] {
  const { rank, points, canonicalScore, tier, above, below } = place;
  return [...above, { rank, username, points, canonicalScore, tier }, ...below];
}
