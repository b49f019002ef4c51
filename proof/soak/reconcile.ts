import * as z from 'zod';
import type { ConsistencyReport } from '../../domain/consistency-check/consistency-report.ts';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { communityMetrics } from '../../domain/metrics/catalog.ts';
import { countedIn } from '../model/metrics.ts';
import { FEED_POST_POINTS, pointsOn, PUBLISH_CAP, PUBLISH_POINTS } from '../model/scoring.ts';
import { countsOf } from '../model/telemetry.ts';
import type { Account, Books } from './books.ts';
import type { Client } from './client.ts';

/** Our count beside the stack's. */
export type Row = { readonly what: string; readonly sent: number; readonly found: number };
export type Reconciliation = {
  /** Counts over the whole community. */
  readonly rows: readonly Row[];
  /** One sentence per wrong count. */
  readonly differences: readonly string[];
};

/** The stack's own figures beside its API. */
export type StackFigures = {
  /** The numbers of unhandled messages, by the role of their queue. */
  readonly leftOver: ReadonlyMap<string, number>;
  /** The findings of the consistency check over all users. */
  readonly consistency: Pick<ConsistencyReport, 'checked' | 'different' | 'unsettled' | 'differences'>;
};

/** What is compared of the answers. */
const Counts = z.record(z.string(), z.number());
const StatsView = z.object({
  totalEvents: z.number(),
  eventCounts: Counts,
  commandCounts: Counts,
  activeDates: z.array(z.string()),
});
const ScoreView = z.object({
  accountId: z.string(),
  scoreSources: z.record(z.string(), z.object({ points: z.number() })),
  balance: z.object({ totalScore: z.number(), sourceTotals: Counts }),
});
const AuditView = z.object({ ok: z.boolean(), sum: z.number(), problems: z.array(z.unknown()) });
const GrantsView = z.object({
  accountId: z.string(),
  grants: z.array(z.object({ grantId: z.string() })),
  next: z.string().optional(),
});
const Series = z.record(z.string(), z.array(z.coerce.number()));
const DAY = 86_400_000;
const DAYS = 5;
/** Concurrent requests. */
const READERS = 4;

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0);

const CONTRIBUTIONS = ['content:extension-publishes', 'content:extension-pulls', 'community:lab-issues'] as const;

/** The expected counts of one user, from the requests. */
function expectedOf(books: Books, { username, ...account }: Account) {
  const counts = countsOf(username, {
    events: [...books.events.values()].map(({ event }) => event),
    owned: new Set([...books.owners].flatMap(([device, owner]) => (owner === username ? [device] : []))),
    reports: [...account.issues].map((what) => ({ kind: 'issue', username, what, hour: '' })),
  });
  const pulls = account.versions.flatMap(({ pullers }) => [...pullers].filter((by) => by !== username));
  const points = pointsOn(new Date().toISOString().slice(0, 10), {
    ...{ events: [], issues: counts.issues, signIns: [], lines: [] },
    versions: account.versions.map(({ isYanked }) => ({ published: '', yanked: isYanked ? '' : null })),
    pulls: pulls.map(() => ''),
  });
  const kept = [...account.awards].filter(([grantId]) => !account.reversed.has(grantId));
  return {
    events: sum(Object.values(counts.names)),
    eventCounts: counts.names,
    commandCounts: counts.commands,
    activeDates: counts.activeDates,
    contributions: Object.fromEntries(CONTRIBUTIONS.map((key) => [key, points[key]])),
    sources: {
      award: sum(kept.map(([, amount]) => amount)),
      badge: sum(account.badges.values()),
      feed: account.feedPosts.size * FEED_POST_POINTS,
      // The ledger keeps the points that a yank removes from the score.
      extensions: Math.min(PUBLISH_CAP, PUBLISH_POINTS * account.versions.length),
    },
    grants: [
      ...account.awards.keys(),
      ...account.badges.keys(),
      ...account.feedPosts,
      ...[...account.reversed].map((grantId) => `reversal:${grantId}`),
      ...account.versions.map(({ name, version }) => `publish:${name}@${version}:${username}`),
    ],
  };
}

/**
 * Compares everything that was sent with everything that the stack tells of it, now that it is quiet.
 *
 * What each one notices, as seen in single runs without the guard that is named (`proof/mutants/`):
 * - accepted 2 times: `dedupe-across-chunks`
 * - a user's events: `hour-senders`
 * - `… is unknown`, users' events: `message-failed`, `records-announced`, `ledger-changed`, `report-changed`
 * - grants, points: `records-announced`, `ledger-changed`
 * - publishes, pulls and issues in scores: `message-failed`, `records-announced`, `report-changed`, `registry-changed`
 * - balance of a source: a balance that leaves out the lines of one source
 * - the consistency check: `records-announced`, `ledger-changed`, `report-changed`, `registry-changed`
 *
 * Looked for and not noticed: `guard-before-facts` at a minute, in two runs (it takes two refreshes of one user that overlap);
 * `device-changed` and `hour-owner` at 24 s, before last acts came later than a refusal.
 * What none can notice: a lost message of the roll-up or of the boards, since the hours are rolled up again before they are
 * compared, and boards are not; a record of a stream that cannot be read, since there is none.
 */
export async function reconcile(
  books: Books,
  client: Pick<Client, 'send'>,
  figures: StackFigures,
): Promise<Reconciliation> {
  const { copies, accepted, duplicates, rejected } = books.verdicts;
  const rows: Row[] = [
    {
      what: 'copies of events: accepted + duplicate + rejected',
      sent: copies,
      found: accepted + duplicates + rejected,
    },
  ];
  const users = await settleAll([...books.accounts.values()], READERS, (account) =>
    reconcileUser(client, account, expectedOf(books, account)),
  );
  const total = (count: (user: UserTotals) => number): number => sum(users.map(({ totals }) => count(totals)));
  const { different, unsettled } = figures.consistency;
  rows.push(
    {
      what: "users' events: accepted = folded",
      sent: total((user) => user.events),
      found: total((user) => user.folded),
    },
    { what: 'grants: given = lines', sent: total((user) => user.grants), found: total((user) => user.lines) },
    { what: 'points: granted = balance', sent: total((user) => user.points), found: total((user) => user.balance) },
    {
      what: 'points of publishes, pulls and issues in scores',
      sent: total((user) => user.contributed),
      found: total((user) => user.scored),
    },
    ...(await communityRows(books, client)),
    ...[...figures.leftOver].map(([role, messages]) => ({ what: `left over in ${role}`, sent: 0, found: messages })),
    { what: 'users whom the consistency check finds different', sent: 0, found: different + unsettled },
  );
  const differences = [
    ...books.oddities,
    ...acceptedOtherwise(books),
    ...users.flatMap((user) => user.differences),
    ...rows.filter(({ sent, found }) => sent !== found).map(({ what, sent, found }) => difference(what, sent, found)),
    ...figures.consistency.differences.map(({ username, what, expected, found }) =>
      difference(`consistency of ${username}: ${what}`, expected, found),
    ),
  ];
  return { rows, differences };
}

/** Each event is accepted once, however often it was sent. */
const acceptedOtherwise = (books: Books): readonly string[] =>
  [...books.events].flatMap(([insertId, { accepted, mayBeLost }]) => {
    if (accepted > 1) return [`${insertId} was accepted ${accepted} times`];
    return accepted === 0 && !mayBeLost ? [`${insertId} is a duplicate of nothing`] : [];
  });

type UserTotals = {
  readonly events: number;
  readonly folded: number;
  readonly grants: number;
  readonly lines: number;
  readonly points: number;
  readonly balance: number;
  readonly contributed: number;
  readonly scored: number;
};

async function reconcileUser(
  client: Pick<Client, 'send'>,
  { username, name, accountId }: Account,
  expected: ReturnType<typeof expectedOf>,
): Promise<{ readonly differences: readonly string[]; readonly totals: UserTotals }> {
  const differences: string[] = [];
  const differs = (what: string, should: unknown, is: unknown): void => {
    if (JSON.stringify(should) !== JSON.stringify(is)) differences.push(difference(`${username}: ${what}`, should, is));
  };
  const get = async <Schema extends z.core.$ZodType>(path: string, schema: Schema) => {
    const { status, body } = await client.send({ method: 'GET', path });
    return status === 200 ? z.parse(schema, body) : undefined;
  };
  const points = sum(Object.values(expected.sources));
  const sent = {
    events: expected.events,
    grants: expected.grants.length,
    points,
    contributed: sum(Object.values(expected.contributions)),
  };
  const stats = await get(`/v1/stats?username=${name}`, StatsView);
  const score = await get(`/v1/scores/${name}`, ScoreView);
  if (stats === undefined || score === undefined) {
    const isUnknown = stats === undefined && score === undefined && expected.events + expected.grants.length === 0;
    if (!isUnknown) differences.push(`${username} is unknown, where ${JSON.stringify(sent)} was sent`);
    return { differences, totals: { ...sent, folded: 0, lines: 0, balance: 0, scored: 0 } };
  }

  differs('account', accountId ?? score.accountId, score.accountId);
  // Its first name still leads to it.
  differs('score by its first name', score, await get(`/v1/scores/${username}`, ScoreView));
  differs('totalEvents', expected.events, stats.totalEvents);
  differs('eventCounts', sorted(expected.eventCounts), sorted(stats.eventCounts));
  differs('commandCounts', sorted(expected.commandCounts), sorted(stats.commandCounts));
  differs('activeDates', expected.activeDates, stats.activeDates);
  const scored = Object.keys(expected.contributions).map((key) => score.scoreSources[key]?.points);
  for (const [index, [key, contributed]] of Object.entries(expected.contributions).entries())
    differs(key, contributed, scored[index]);
  for (const [source, granted] of Object.entries(expected.sources))
    differs(`balance of ${source}`, granted, score.balance.sourceTotals[source] ?? 0);
  differs('balance', points, score.balance.totalScore);

  const audit = await get(`/v1/scores/${name}/audit`, AuditView);
  if (audit?.ok !== true) differences.push(`${username}: the audit finds ${JSON.stringify(audit?.problems)}`);
  differs('sum of lines', score.balance.totalScore, audit?.sum);
  const lines = (await allGrants(client, { username, name })).filter((grantId) => !grantId.startsWith('badge:tier-'));
  differs('lines', expected.grants.toSorted(), lines.toSorted());
  const found = { folded: stats.totalEvents, lines: lines.length, balance: score.balance.totalScore };
  return { differences, totals: { ...sent, ...found, scored: sum(scored.map((each) => each ?? 0)) } };
}

const difference = (what: string, sent: unknown, found: unknown): string =>
  `${what}: ${JSON.stringify(found)}, where ${JSON.stringify(sent)} was sent`;

const sorted = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));

async function allGrants(
  client: Pick<Client, 'send'>,
  { username, name }: Pick<Account, 'username' | 'name'>,
): Promise<readonly string[]> {
  const grantIds: string[] = [];
  let cursor: string | undefined;
  do {
    const path = `/v1/scores/${name}/grants?limit=1000${cursor === undefined ? '' : `&cursor=${cursor}`}`;
    const { status, body } = await client.send({ method: 'GET', path });
    if (status !== 200) return grantIds;
    const page = GrantsView.parse(body);
    grantIds.push(...page.grants.map(({ grantId }) => grantId.replaceAll(page.accountId, username))); // as in the books
    cursor = page.next;
  } while (cursor !== undefined);
  return grantIds;
}

/** All events of the community, also those without an owner, as the roll-ups count them. */
async function communityRows(books: Books, client: Pick<Client, 'send'>): Promise<readonly Row[]> {
  const now = Date.now();
  const path = `/community-metrics/series?since=${now - DAYS * DAY}&to=${now + DAY}`;
  const series = Series.parse((await client.send({ method: 'GET', path })).body);
  const total = (field: string): number => sum(series[field] ?? []);
  const accounts = [...books.accounts.values()];
  const versions = accounts.flatMap((account) => account.versions);
  const counted = countedIn(
    {
      ...{ events: [...books.events.values()].map(({ event }) => event), devices: [] },
      versions: versions.map(({ name, author: publisher }) => ({ name, publisher, publishedAt: '' })),
      pulls: versions.flatMap(({ name, pullers }) => [...pullers].map(() => ({ name, hour: '' }))),
      lines: accounts.flatMap(({ awards }) =>
        [...awards].map(([grantId, amount]) => ({ grantId, amount, grantedAt: '' })),
      ),
    },
    communityMetrics,
  );
  const expected = (metric: string) => counted.filter(({ name }) => name === metric);
  const points = sum(expected('AWARD_GRANTED').map((one) => one.points ?? 0));
  return [
    { what: "community's invocations", sent: expected('CLI_INVOCATION').length, found: total('cli_invocations') },
    {
      what: "community's publishes",
      sent: expected('EXTENSION_PUBLISHED').length,
      found: total('extensions_published'),
    },
    { what: "community's pulls", sent: expected('EXTENSION_PULLED').length, found: total('extensions_pulled') },
    { what: "community's points of awards", sent: points, found: total('awards_granted') },
  ];
}
