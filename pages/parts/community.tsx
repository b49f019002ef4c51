import { hrefOf, RANGES, SORTS, toggled, type CommunityAddress } from '../address.ts';
import { seriesPath, type Answer, type CompareAnswer } from '../api.ts';
import { DailyBars, StackedBar } from '../charts/bars.tsx';
import { Calendar, calendarSize } from '../charts/calendar.tsx';
import { Figure } from '../charts/figure.tsx';
import { Lines } from '../charts/lines.tsx';
import { addDays, DAY_MS, timeOf, weekdayOf } from '../dates.ts';
import { compact, counted, longDate, number, percent, shortDate, visible, withSign } from '../format.ts';
import { valuesOf } from '../load.ts';
import type { CommunityData } from '../state.ts';
import { Card, Failed, Name, Notice } from './pieces.tsx';

type Props = { readonly address: CommunityAddress; readonly data: CommunityData; readonly today: string };

/** The metrics of the page, in its order: what a field is called, and whether it is a state or a sum. */
const METRICS = [
  { field: 'active_members', title: 'Active members', isState: false },
  { field: 'cli_invocations', title: 'Invocations', isState: false },
  { field: 'active_devices', title: 'Active devices', isState: false },
  { field: 'points_granted', title: 'Points granted', isState: false },
  { field: 'extensions_published', title: 'Versions published', isState: false },
  { field: 'extensions_pulled', title: 'Pulls', isState: false },
  { field: 'members', title: 'Members', isState: true },
  { field: 'total_score', title: 'Score of all', isState: true },
] as const;
const TILES = METRICS.slice(0, 4);

export function CommunityPage({ address, data, today }: Props) {
  const { series } = data;
  const from = addDays(today, 1 - address.days);
  const csv = seriesPath(timeOf(from), timeOf(today) + DAY_MS).path;
  return (
    <>
      <div class="heading">
        <div>
          <h1>Community</h1>
          <p class="faint">Its pulse, by day in UTC. Today is not over yet.</p>
        </div>
        <nav class="tabs" aria-label="Range">
          {RANGES.map((days) => (
            <a key={days} href={hrefOf({ ...address, days })} aria-current={days === address.days ? 'page' : undefined}>
              {days} days
            </a>
          ))}
        </nav>
      </div>
      <Tiles data={data} />
      {series.ok ? (
        <Charts address={address} data={data} from={from} />
      ) : (
        <Failed what="The metrics" sentence={series.sentence} />
      )}
      <div class="grid">
        <TierShares data={data} />
        <Extensions address={address} data={data} />
      </div>
      <p>
        <a class="button quiet" href={`${csv}&format=csv`} data-plain>
          CSV of these days
        </a>
      </p>
    </>
  );
}

type Period = CompareAnswer[string]['newer'];
/** Of a sum of points its sum, of a state its sample, else how many. */
const valueOf = (field: string, period: Period | undefined): number =>
  (field === 'points_granted' ? period?.value_count : period?.event_count) ?? 0;

function Moved({ older, newer, what }: { readonly older: number; readonly newer: number; readonly what: string }) {
  const difference = newer - older;
  const kind = difference === 0 ? 'same' : difference > 0 ? 'up' : 'down';
  const ratio = older === 0 ? '' : ` (${percent(difference / older)})`;
  return (
    <span class="small">
      <span class={`change ${kind}`}>
        {withSign(difference)}
        {ratio}
      </span>{' '}
      <span class="faint">{what}</span>
    </span>
  );
}

function Tiles({ data: { series, day, week } }: { readonly data: CommunityData }) {
  const of = (answer: Answer<CompareAnswer>, field: string) => (answer.ok ? answer.view[field] : undefined);
  return (
    <div class="tiles">
      {TILES.map(({ field, title }) => {
        const [lastDay, lastWeek] = [of(day, field), of(week, field)];
        const now = valuesOf(series, field).at(-1);
        return (
          <section key={field} class="tile" aria-label={title}>
            <h2>{title}</h2>
            <p class="big">{now === undefined || now === null ? '–' : number(now)}</p>
            <p class="small faint">today so far</p>
            <dl>
              <div>
                <dt>Yesterday</dt>
                <dd>
                  <strong class="num">{number(valueOf(field, lastDay?.newer))}</strong>{' '}
                  <Moved
                    older={valueOf(field, lastDay?.older)}
                    newer={valueOf(field, lastDay?.newer)}
                    what="on the day before"
                  />
                </dd>
              </div>
              <div>
                <dt>7 full days</dt>
                <dd>
                  <strong class="num">{number(valueOf(field, lastWeek?.newer))}</strong>{' '}
                  <Moved
                    older={valueOf(field, lastWeek?.older)}
                    newer={valueOf(field, lastWeek?.newer)}
                    what="on the 7 before"
                  />
                </dd>
              </div>
            </dl>
          </section>
        );
      })}
    </div>
  );
}

function Charts({ address, data, from }: { address: CommunityAddress; data: CommunityData; from: string }) {
  const dates = Array.from({ length: address.days }, (_, index) => addDays(from, index));
  const table = (id: string) => ({
    isTableOpen: address.open.includes(id),
    toggleHref: hrefOf(toggled(address, id)),
  });
  const last = dates.at(-1) ?? from;
  return (
    <>
      <div class="grid">
        {METRICS.map(({ field, title, isState }) => {
          const values = valuesOf(data.series, field);
          const before = valuesOf(data.previous, field);
          const sum = (list: readonly (number | null)[]) =>
            list.reduce<number>((total, value) => total + (value ?? 0), 0);
          const sentence = isState
            ? `Now ${number(values.at(-1) ?? 0)}.`
            : `${number(sum(values))} in ${address.days} days, ${number(sum(before))} in those before (dashed).`;
          return (
            <section key={field} class="card" aria-label={title}>
              <Figure
                id={field}
                title={title}
                sentence={sentence}
                count={dates.length}
                describe={(index) =>
                  `${longDate(dates[index] ?? from)}: ${shown(values[index])}; before: ${shown(before[index])}`
                }
                draw={(chosen, choose) => (
                  <Lines
                    lines={[
                      { kind: 'before', values: before },
                      { kind: 'main', values },
                    ]}
                    ends={[shortDate(from), shortDate(last)]}
                    chosen={chosen}
                    choose={choose}
                  />
                )}
                table={{
                  columns: ['Day', title, `${address.days} days before`],
                  rows: dates.map((date, index) => [longDate(date), shown(values[index]), shown(before[index])]),
                }}
                {...table(field)}
              />
            </section>
          );
        })}
        <NewAndReturning data={data} dates={dates} {...table('returning')} />
        <Weekdays data={data} dates={dates} {...table('weekdays')} />
      </div>
    </>
  );
}

const shown = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : number(value);

type Days = {
  readonly data: CommunityData;
  readonly dates: readonly string[];
  readonly isTableOpen: boolean;
  readonly toggleHref: string;
};

function NewAndReturning({ data, dates, ...toggle }: Days) {
  const active = valuesOf(data.series, 'active_devices').map((value) => value ?? 0);
  const fresh = valuesOf(data.series, 'new_devices').map((value, index) => Math.min(value ?? 0, active[index] ?? 0));
  const returning = active.map((value, index) => value - (fresh[index] ?? 0));
  const total = fresh.reduce((sum, value) => sum + value, 0);
  return (
    <section class="card" aria-label="New and returning devices">
      <Figure
        id="returning"
        title="New and returning"
        sentence={`${counted(total, 'device')} came for the first time (outlined, on top of those that came back).`}
        count={dates.length}
        describe={(index) =>
          `${longDate(dates[index] ?? '')}: ${number(fresh[index] ?? 0)} new, ${number(returning[index] ?? 0)} returning`
        }
        draw={(chosen, choose) => <DailyBars lower={returning} upper={fresh} chosen={chosen} choose={choose} />}
        table={{
          columns: ['Day', 'New', 'Returning'],
          rows: dates.map((date, index) => [longDate(date), number(fresh[index] ?? 0), number(returning[index] ?? 0)]),
        }}
        {...toggle}
      />
    </section>
  );
}

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

/** Invocations by week and weekday: where in a week a community works. */
function Weekdays({ data, dates, ...toggle }: Days) {
  const values = valuesOf(data.series, 'cli_invocations');
  const [first = ''] = dates;
  const lead = weekdayOf(first);
  const days = [
    ...Array.from({ length: lead }, (_, index) => ({ date: addDays(first, index - lead), gained: null })),
    ...dates.map((date, index) => ({ date, gained: values[index] ?? null })),
  ];
  const sums = WEEKDAYS.map((_, weekday) =>
    dates.reduce((sum, date, index) => (weekdayOf(date) === weekday ? sum + (values[index] ?? 0) : sum), 0),
  );
  const busiest = WEEKDAYS[sums.indexOf(Math.max(...sums))] ?? WEEKDAYS[0];
  const size = calendarSize(Math.max(days.length, 7 * 28));
  return (
    <section class="card" aria-label="Weekdays">
      <Figure
        id="weekdays"
        title="Weeks and weekdays"
        sentence={`Most invocations fell on a ${busiest}.`}
        count={days.length}
        steps={{ across: 7, down: 1 }}
        describe={(index) => `${longDate(days[index]?.date ?? first)}: ${shown(days[index]?.gained)} invocations`}
        draw={(chosen, choose) => (
          <svg class="chart" viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true">
            <Calendar days={days} chosen={chosen} choose={choose} />
          </svg>
        )}
        table={{
          columns: ['Weekday', 'Invocations'],
          rows: WEEKDAYS.map((name, index) => [name, number(sums[index] ?? 0)]),
        }}
        {...toggle}
      />
    </section>
  );
}

function TierShares({ data: { board } }: { readonly data: CommunityData }) {
  if (!board.ok) {
    return (
      <Card title="Tiers" id="tiers">
        <Failed what="The tiers" sentence={board.sentence} />
      </Card>
    );
  }
  const { parts, total } = board.view;
  return (
    <Card title="Tiers" id="tiers">
      {parts.length === 0 ? <p class="faint">Nobody is on the board yet.</p> : <StackedBar parts={parts} />}
      <p class="faint small">{counted(total, 'person', 'people')} on the board of all time.</p>
    </Card>
  );
}

const SORT_TITLES = { pulls: 'Pulls', versions: 'Versions', last_published: 'Newest' } as const;

function Extensions({ address, data: { extensions } }: Omit<Props, 'today'>) {
  const aside = (
    <nav class="tabs small" aria-label="Order of extensions">
      {SORTS.map((sort) => (
        <a
          key={sort}
          href={hrefOf({ ...address, sort })}
          aria-current={sort === address.sort ? 'page' : undefined}
          data-keep-scroll
        >
          {SORT_TITLES[sort]}
        </a>
      ))}
    </nav>
  );
  return (
    <Card title="Top extensions" id="extensions" aside={aside}>
      {!extensions.ok && <Failed what="The list" sentence={extensions.sentence} />}
      {extensions.ok && extensions.view.data.length === 0 && <Notice>No extension is published yet.</Notice>}
      {extensions.ok && extensions.view.data.length > 0 && (
        <table class="rows numbers">
          <thead>
            <tr>
              <th scope="col">Extension</th>
              <th scope="col">Publisher</th>
              <th scope="col" class="num">
                Pulls
              </th>
              <th scope="col" class="num">
                Versions
              </th>
            </tr>
          </thead>
          <tbody>
            {extensions.view.data.map(({ extension, publisher, pulls, versions }) => (
              <tr key={extension}>
                <th scope="row">
                  <bdi>{visible(extension)}</bdi>
                </th>
                <td>
                  <Name username={publisher} />
                </td>
                <td class="num">{compact(pulls)}</td>
                <td class="num">{number(versions)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
