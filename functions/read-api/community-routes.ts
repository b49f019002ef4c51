import * as z from 'zod/mini';
import {
  CommunityMetricsView,
  compareLastPeriods,
  ExtensionsView,
  readExtensions,
  HourlyMetric,
  HoursView,
  Interval,
  MAX_DAYS_OF_HOURS,
  readHours,
  readSeries,
  seriesDays,
  SeriesView,
} from '../../domain/metrics/community-views.ts';
import { ExtensionSort, SortDirection } from '../../domain/metrics/extension-list.ts';
import type { AccountNames } from '../../domain/identity/account-names.ts';
import { communityMetrics } from '../../domain/metrics/catalog.ts';
import type { RollupReader } from '../../domain/metrics/rollup-store.port.ts';
import type { Clock } from '../../domain/shared/environment.ts';
import type { Fault } from '../../domain/shared/faults.ts';
import { dateOf, isoOf } from '../../domain/shared/utc.ts';
import { problem } from '../runtime/problems.ts';
import { CSV_TYPE, Format, inFormat } from '../runtime/format.ts';
import { inAnyCase, queryNumber } from '../runtime/query.ts';
import { route, type HttpDeps } from '../runtime/route.ts';

export type CommunityReadDeps = HttpDeps & {
  readonly rollups: RollupReader;
  readonly names: Pick<AccountNames, 'namesOf' | 'changedSince'>;
  readonly clock: Clock;
};

/** An hour is rolled up a minute after its change; a cache may keep an answer for another minute. */
const OF_COMMUNITY = { method: 'GET', access: 'anyone', cacheSeconds: 60, hasEtag: true } as const;

const Flag = z.enum(['true', 'false'], 'expected true or false');
const EpochMs = queryNumber(0, undefined, 'epoch milliseconds');

const DEFAULT_PAGE_SIZE = 50;
const MAX_PER_PAGE = 2_000;
const Extensions = z.object({
  page: z._default(queryNumber(1), 1),
  page_size: z._default(queryNumber(1, MAX_PER_PAGE), DEFAULT_PAGE_SIZE),
  sort: z._default(inAnyCase(ExtensionSort), 'last_published'),
  sort_direction: z._default(inAnyCase(SortDirection), 'desc'),
  format: Format,
});
const EXTENSION_COLUMNS = [
  ...['extension', 'publisher', 'versions', 'pulls'],
  ...['first_published', 'first_published_at', 'last_published', 'last_published_at'],
] as const;
const SERIES_COLUMNS = ['date', ...communityMetrics.map(({ field }) => field)];

/** A row for each day. */
const rowsOfSeries = ({ steps_start_times: starts = [], ...fields }: SeriesView) =>
  starts.map((start, index) => ({
    date: dateOf(Number(start)),
    ...Object.fromEntries(Object.entries(fields).map(([field, values]) => [field, values[index]])),
  }));

const rowsOfHours = ({ steps_start_times: starts, values }: HoursView) =>
  starts.map((start, index) => ({ hour: isoOf(start), value: values[index] }));

const refused = (fault: Fault) => problem('invalid_query', `${fault.field}: ${fault.expected}`, { details: [fault] });

export const communityRoutes = [
  route({
    ...OF_COMMUNITY,
    path: '/community-metrics',
    summary: 'The last full day or week of the community, and the one before it',
    request: z.object({ query: z.object({ interval: inAnyCase(Interval) }) }),
    answers: { 200: { description: 'Both periods of every metric', schema: CommunityMetricsView } },
    async handle({ query: { interval } }, { rollups, clock }: CommunityReadDeps) {
      return { status: 200, body: await compareLastPeriods(rollups, interval, clock()) };
    },
  }),
  route({
    ...OF_COMMUNITY,
    path: '/community-metrics/series',
    summary: 'Every metric of the community by UTC day',
    request: z.object({
      query: z.object({ since: EpochMs, to: EpochMs, complete: z._default(inAnyCase(Flag), 'false'), format: Format }),
    }),
    answers: { 200: { description: 'The days and, for each, every metric', schema: SeriesView, types: [CSV_TYPE] } },
    async handle({ query }, { rollups, clock }: CommunityReadDeps, { headers }) {
      const days = seriesDays({ ...query, isComplete: query.complete === 'true' }, clock());
      if (days.ok) {
        const series = await readSeries(rollups, days.value);
        return inFormat(query, headers, series, rowsOfSeries(series), SERIES_COLUMNS);
      }
      return refused(days.error);
    },
  }),
  route({
    ...OF_COMMUNITY,
    path: '/community-metrics/by-hour',
    summary: 'A counter or a sum of the community by UTC hour, at most 92 days',
    request: z.object({
      query: z.object({
        since: EpochMs,
        to: EpochMs,
        metric: z._default(inAnyCase(HourlyMetric), 'CLI_INVOCATION'),
        format: Format,
      }),
    }),
    answers: { 200: { description: 'The hours and, for each, its value', schema: HoursView, types: [CSV_TYPE] } },
    async handle({ query }, { rollups, clock }: CommunityReadDeps, { headers }) {
      const days = seriesDays(query, clock(), MAX_DAYS_OF_HOURS);
      if (!days.ok) return refused(days.error);
      const view = await readHours(rollups, query.metric, days.value);
      return inFormat(query, headers, view, rowsOfHours(view), ['hour', 'value']);
    },
  }),
  route({
    ...OF_COMMUNITY,
    path: '/community-metrics/extensions',
    summary: 'All extensions with their versions and pulls',
    request: z.object({ query: Extensions }),
    answers: { 200: { description: 'A page of extensions', schema: ExtensionsView, types: [CSV_TYPE] } },
    async handle({ query }, { rollups, names }: CommunityReadDeps, { headers }) {
      const view = await readExtensions(rollups, names, query);
      return inFormat(query, headers, view, view.data, EXTENSION_COLUMNS);
    },
  }),
];
