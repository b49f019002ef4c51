import { hrefOf, RANGES, SORTS, type CommunityAddress } from '../address.ts';
import { extensionsPath, seriesPath, type Answer, type CompareAnswer } from '../api.ts';
import { DailyBars, StackedBar } from '../charts/bars.tsx';
import { Figure, tableIn } from '../charts/figure.tsx';
import { HourMap, HOURS } from '../charts/hour-map.tsx';
import { Lines } from '../charts/lines.tsx';
import { addDays, DAY_MS, dateOf, timeOf, weekdayOf } from '../dates.ts';
import { compact, counted, longDate, number, percent, shortDate, visible, withSign } from '../format.ts';
import { hoursShown, valuesOf } from '../load.ts';
import type { CommunityData } from '../state.ts';
import { Card, Failed, Head, Name, Notice } from './pieces.tsx';

type Props = { readonly address: CommunityAddress; readonly data: CommunityData; readonly today: string };

/**
 * The metrics, in the order of the page. A count adds up over days, a state does not, and of `distinct` ones who was
 * there on two days counts once: these have a mean.
 */
const METRICS = [
  { field: 'active_members', title: 'Active members', kind: 'distinct' },
  { field: 'cli_invocations', title: 'Invocations', kind: 'count' },
  { field: 'active_devices', title: 'Active devices', kind: 'distinct' },
  { field: 'points_granted', title: 'Points granted', kind: 'count' },
  { field: 'extensions_published', title: 'Versions published', kind: 'count' },
  { field: 'extensions_pulled', title: 'Pulls', kind: 'count' },
  { field: 'distinct_publishers', title: 'Publishers', kind: 'distinct' },
  { field: 'awards_granted', title: 'Points of awards', kind: 'count' },
  { field: 'new_devices', title: 'New devices', kind: 'count' },
  { field: 'members', title: 'Members', kind: 'state' },
  { field: 'total_score', title: 'Score of all', kind: 'state' },
] as const;
const TILES = METRICS.slice(0, 4);

export function CommunityPage({ address, data, today }: Props) {
  const { series } = data;
  const from = addDays(today, 1 - address.days);
  const tables = {
    'these days': seriesPath(timeOf(from), timeOf(today) + DAY_MS),
    'the hours': hoursShown(address, today),
    'the extensions': extensionsPath({ page_size: 2_000, sort: address.sort }),
  };
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
      <p class="buttons">
        {Object.entries(tables).map(([title, { path }]) => (
          <a key={title} class="button quiet" href={`${path}&format=csv`} data-plain>
            CSV of {title}
          </a>
        ))}
      </p>
    </>
  );
}

type Period = CompareAnswer[string]['newer'];
/** The sum for a sum of points, the sample for a gauge, and the number of events for all others. */
const valueOf = (field: string, period: Period): number =>
  (field === 'points_granted' ? period.value_count : period.event_count) ?? 0;

type MovedProps = {
  readonly title: string;
  readonly field: string;
  readonly compared: Answer<CompareAnswer>;
  readonly what: string;
};

function Moved({ title, field, compared, what }: MovedProps) {
  const periods = compared.ok ? compared.view[field] : undefined;
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {periods === undefined ? (
          '–'
        ) : (
          <>
            <strong class="num">{number(valueOf(field, periods.newer))}</strong>{' '}
            <Difference older={valueOf(field, periods.older)} newer={valueOf(field, periods.newer)} what={what} />
          </>
        )}
      </dd>
    </div>
  );
}

function Difference({ older, newer, what }: { readonly older: number; readonly newer: number; readonly what: string }) {
  const difference = newer - older;
  const kind = difference === 0 ? 'same' : difference > 0 ? 'up' : 'down';
  const ratio = older === 0 ? '' : ` (${percent(difference / older)})`;
  return (
    <span class="small">
      <span class={`change ${kind}`}>{difference === 0 ? 'no change' : `${withSign(difference)}${ratio}`}</span>{' '}
      <span class="faint">{what}</span>
    </span>
  );
}

function Tiles({ data: { series, day, week } }: { readonly data: CommunityData }) {
  return (
    <div class="tiles">
      {TILES.map(({ field, title }) => {
        const now = valuesOf(series, field).at(-1);
        return (
          <section key={field} class="tile" aria-label={title}>
            <h2>{title}</h2>
            <p class="big">{now === undefined || now === null ? '–' : number(now)}</p>
            <p class="small faint">today so far</p>
            <dl>
              <Moved title="Yesterday" field={field} compared={day} what="from the day before" />
              <Moved title="7 full days" field={field} compared={week} what="from the 7 before" />
            </dl>
          </section>
        );
      })}
    </div>
  );
}

type Values = readonly (number | null)[];
const sumOf = (values: Values): number => values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
const meanOf = (values: Values): string => number(Math.round((10 * sumOf(values)) / Math.max(1, values.length)) / 10);

function sentenceOf(kind: (typeof METRICS)[number]['kind'], values: Values, before: Values): string {
  if (kind === 'state') return `Now ${shown(values.at(-1))}.`;
  const [now, then] =
    kind === 'distinct'
      ? [`${meanOf(values)} a day on average`, `${meanOf(before)} in the days before`]
      : [`${number(sumOf(values))} in ${values.length} days`, `${number(sumOf(before))} in those before`];
  return before.length === 0 ? `${now}.` : `${now}, ${then} (dashed).`;
}

function Charts({ address, data, from }: { address: CommunityAddress; data: CommunityData; from: string }) {
  const dates = Array.from({ length: address.days }, (_, index) => addDays(from, index));
  const ends = [shortDate(from), shortDate(dates.at(-1) ?? from)] as const;
  return (
    <div class="grid">
      {METRICS.map(({ field, title, kind }) => {
        const values = valuesOf(data.series, field);
        const before = valuesOf(data.previous, field);
        return (
          <section key={field} class="card" aria-label={title}>
            <Figure
              id={field}
              title={title}
              sentence={sentenceOf(kind, values, before)}
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
                  ends={ends}
                  chosen={chosen}
                  choose={choose}
                />
              )}
              table={{
                columns: ['Day', title, `${address.days} days before`],
                rows: dates.map((date, index) => [longDate(date), shown(values[index]), shown(before[index])]),
              }}
              {...tableIn(address, field)}
            />
          </section>
        );
      })}
      <NewAndReturning address={address} data={data} dates={dates} ends={ends} />
      <Hours address={address} data={data} />
    </div>
  );
}

const shown = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : number(value);

/** Who became a member on a day, by the samples of two days; the other active ones came back. */
function NewAndReturning({
  address,
  data,
  dates,
  ends,
}: {
  readonly address: CommunityAddress;
  readonly data: CommunityData;
  readonly dates: readonly string[];
  readonly ends: readonly [string, string];
}) {
  const members = [valuesOf(data.previous, 'members').at(-1) ?? null, ...valuesOf(data.series, 'members')];
  const fresh = dates.map((_, index) => {
    const [before, now] = [members[index] ?? null, members[index + 1] ?? null];
    return before === null || now === null ? 0 : Math.max(0, now - before);
  });
  const active = valuesOf(data.series, 'active_members');
  const returning = fresh.map((value, index) => Math.max(0, (active[index] ?? 0) - value));
  return (
    <section class="card" aria-label="New and returning members">
      <Figure
        id="returning"
        title="New and returning members"
        sentence={`${counted(sumOf(fresh), 'member')} came (outlined), on top of the active ones who came back.`}
        count={dates.length}
        describe={(index) =>
          `${longDate(dates[index] ?? '')}: ${number(fresh[index] ?? 0)} new, ${number(returning[index] ?? 0)} returning`
        }
        draw={(chosen, choose) => (
          <DailyBars lower={returning} upper={fresh} ends={ends} chosen={chosen} choose={choose} />
        )}
        table={{
          columns: ['Day', 'New', 'Returning'],
          rows: dates.map((date, index) => [longDate(date), number(fresh[index] ?? 0), number(returning[index] ?? 0)]),
        }}
        {...tableIn(address, 'returning')}
      />
    </section>
  );
}

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
const SHORT_WEEKDAYS = WEEKDAYS.map((name) => name.slice(0, 3));
const hourText = (hour: number): string => `${String(hour).padStart(2, '0')}:00`;

/** Invocations by weekday and hour: when in a week a community works. */
function Hours({ address, data: { hours } }: Omit<Props, 'today'>) {
  if (!hours.ok) return <Failed what="The hours" sentence={hours.sentence} />;
  const { steps_start_times: starts, values } = hours.view;
  const cells = Array.from({ length: WEEKDAYS.length * HOURS }, () => 0);
  for (const [index, start] of starts.entries()) {
    const cell = weekdayOf(dateOf(start)) * HOURS + new Date(start).getUTCHours();
    cells[cell] = (cells[cell] ?? 0) + (values[index] ?? 0);
  }
  const nameOf = (index: number) => `${WEEKDAYS[Math.floor(index / HOURS)] ?? ''} ${hourText(index % HOURS)}`;
  const most = Math.max(...cells);
  const days = counted(starts.length / HOURS, 'day');
  return (
    <section class="card whole" aria-label="Hours and weekdays">
      <Figure
        id="hours"
        title="Hours and weekdays"
        sentence={
          most === 0
            ? `No invocation in ${days}.`
            : `The busiest hour of the week in ${days} began on ${nameOf(cells.indexOf(most))} UTC: ${counted(most, 'invocation')}.`
        }
        count={cells.length}
        steps={{ across: 1, down: HOURS }}
        describe={(index) => `${nameOf(index)} UTC: ${counted(cells[index] ?? 0, 'invocation')}`}
        draw={(chosen, choose) => (
          <div class="scroll-start">
            <HourMap rows={SHORT_WEEKDAYS} cells={cells} chosen={chosen} choose={choose} />
          </div>
        )}
        table={{
          columns: ['UTC', ...SHORT_WEEKDAYS],
          rows: Array.from({ length: HOURS }, (_, hour) => [
            hourText(hour),
            ...WEEKDAYS.map((_day, day) => number(cells[day * HOURS + hour] ?? 0)),
          ]),
        }}
        {...tableIn(address, 'hours')}
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
          <Head columns={['Extension', 'Publisher', { num: 'Pulls' }, { num: 'Versions' }]} />
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
