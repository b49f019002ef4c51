import * as z from 'zod';
import { AuditView } from '../../domain/grants/audit.ts';
import { GrantsView } from '../../domain/grants/views.ts';
import { rulesVersion1 } from '../../domain/scoring/rules/version-1.ts';
import type { ReportRules } from '../../domain/scoring/rules/scoring-rules.ts';
import { ScoreView, StatsView } from '../../domain/scoring/views.ts';
import type { Account, Books, SentEvent } from './books.ts';
import type { Client } from './client.ts';

/** A count of ours beside the stack's. */
export type Row = { readonly what: string; readonly sent: number; readonly found: number };
export type Reconciliation = {
  /** Over the whole community. */
  readonly rows: readonly Row[];
  /** One sentence for each thing that is not as it must be. */
  readonly differences: readonly string[];
};

/** What the stack says beside its API. */
export type StackFigures = {
  /** Messages that nobody could handle, by the role of the queue that they wait in. */
  readonly leftOver: ReadonlyMap<string, number>;
  /** What the check of conservation over all users finds. */
  readonly conservation: { readonly checked: number; readonly different: number; readonly unsettled: number };
};

const Series = z.record(z.string(), z.array(z.coerce.number()));
const { publishes, pulls, issues, feedPosts } = rulesVersion1;
const DAY = 86_400_000;
const DAYS = 5;

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0);
const capped = ({ points, cap }: ReportRules, count: number): number => Math.min(points * count, cap);

function countBy(events: readonly SentEvent[], nameOf: (event: SentEvent) => string | null): Record<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    const name = nameOf(event);
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What must be true of one user, by what was sent. */
function expectedOf(books: Books, account: Account) {
  const events = [...books.events.values()].filter((event) => books.userOf(event) === account.username);
  const counted = account.versions.filter(({ isYanked }) => !isYanked).length;
  const pulled = sum(
    account.versions.map(({ pullers }) => [...pullers].filter((by) => by !== account.username).length),
  );
  const standing = [...account.awards].filter(([grantId]) => !account.reversed.has(grantId));
  const reported = account.issues.size === 0 ? {} : { issue_created: account.issues.size };
  return {
    events: events.length + account.issues.size,
    eventCounts: { ...countBy(events, ({ event }) => event), ...reported },
    commandCounts: countBy(events, ({ command }) => command),
    activeDates: [...new Set(events.filter(({ event }) => event === 'cli_invocation').map(({ date }) => date))].sort(),
    pulled,
    contributions: {
      'content:extension-publishes': capped(publishes, counted),
      'content:extension-pulls': capped(pulls, pulled),
      'community:lab-issues': capped(issues, account.issues.size),
    },
    sources: {
      award: sum(standing.map(([, points]) => points)),
      badge: sum(account.badges.values()),
      feed: account.feedPosts.size * feedPosts.points,
      // The ledger keeps what a yank takes from the score.
      extensions: capped(publishes, account.versions.length),
    },
    grants: [
      ...account.awards.keys(),
      ...account.badges.keys(),
      ...account.feedPosts,
      ...[...account.reversed].map((grantId) => `reversal:${grantId}`),
      ...account.versions.map(({ name, version }) => `publish:${name}@${version}:${account.username}`),
    ],
  };
}

/** Compares everything that was sent with everything that the stack tells of it, now that it is quiet. */
export async function reconcile(
  books: Books,
  client: Pick<Client, 'send'>,
  figures: StackFigures,
): Promise<Reconciliation> {
  const differences = [...books.oddities];
  const differs = (whose: string, what: string, expected: unknown, found: unknown): void => {
    const [should, is] = [JSON.stringify(expected), JSON.stringify(found)];
    if (should !== is) differences.push(`${whose}: ${what} is ${is}, where ${should} was sent`);
  };
  const get = async <Schema extends z.core.$ZodType>(path: string, schema: Schema) => {
    const { status, body } = await client.send({ method: 'GET', path });
    return status === 200 ? z.parse(schema, body) : undefined;
  };

  for (const { insertId, accepted, mayBeLost } of books.events.values()) {
    if (accepted > 1) differences.push(`${insertId} was accepted ${accepted} times`);
    if (accepted === 0 && !mayBeLost) differences.push(`${insertId} is a duplicate of nothing`);
  }
  const { copies, accepted, duplicates, rejected } = books.verdicts;
  const rows: Row[] = [
    {
      what: 'copies of events: accepted + duplicate + rejected',
      sent: copies,
      found: accepted + duplicates + rejected,
    },
  ];

  const totals = { sentEvents: 0, folded: 0, grants: 0, lines: 0, points: 0, balance: 0, publishPoints: 0, scored: 0 };
  for (const account of books.accounts.values()) {
    const { username } = account;
    const expected = expectedOf(books, account);
    const stats = await get(`/v1/stats?username=${username}`, StatsView);
    const score = await get(`/v1/scores/${username}`, ScoreView);
    totals.sentEvents += expected.events;
    if (stats === undefined && score === undefined && expected.events + expected.grants.length === 0) continue;
    if (stats === undefined || score === undefined) {
      differences.push(`${username} is unknown`);
      continue;
    }
    totals.folded += stats.totalEvents;
    differs(username, 'totalEvents', expected.events, stats.totalEvents);
    differs(username, 'eventCounts', sorted(expected.eventCounts), sorted(stats.eventCounts));
    differs(username, 'commandCounts', sorted(expected.commandCounts), sorted(stats.commandCounts));
    differs(username, 'activeDates', expected.activeDates, stats.activeDates);

    for (const [key, points] of Object.entries(expected.contributions)) {
      const found = score.scoreSources[key]?.points;
      differs(username, key, points, found);
      totals.publishPoints += points;
      totals.scored += found ?? 0;
    }
    for (const [source, points] of Object.entries(expected.sources)) {
      differs(username, `balance of ${source}`, points, score.balance.sourceTotals[source] ?? 0);
      totals.points += points;
    }
    totals.balance += score.balance.totalScore;
    differs(username, 'balance', sum(Object.values(expected.sources)), score.balance.totalScore);

    const audit = await get(`/v1/scores/${username}/audit`, AuditView);
    if (audit?.ok !== true) differences.push(`${username}: the audit finds ${JSON.stringify(audit?.problems)}`);
    differs(username, 'sum of lines', score.balance.totalScore, audit?.sum);
    const lines = (await allGrants(client, username)).filter((grantId) => !grantId.startsWith('badge:tier-'));
    differs(username, 'lines', expected.grants.toSorted(), lines.toSorted());
    totals.grants += expected.grants.length;
    totals.lines += lines.length;
  }
  rows.push(
    { what: "users' events: accepted = folded", sent: totals.sentEvents, found: totals.folded },
    { what: 'grants: given = lines', sent: totals.grants, found: totals.lines },
    { what: 'points: granted = balance', sent: totals.points, found: totals.balance },
    { what: 'points of publishes, pulls and issues in scores', sent: totals.publishPoints, found: totals.scored },
    ...(await communityRows(books, client)),
  );

  for (const [role, messages] of figures.leftOver)
    rows.push({ what: `left over in ${role}`, sent: 0, found: messages });
  const { different, unsettled } = figures.conservation;
  rows.push({ what: 'users whom the conservation check finds different', sent: 0, found: different + unsettled });
  for (const { what, sent, found } of rows)
    if (sent !== found) differences.push(`${what}: ${found}, where ${sent} was sent`);
  return { rows, differences };
}

const sorted = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));

async function allGrants(client: Pick<Client, 'send'>, username: string): Promise<readonly string[]> {
  const grantIds: string[] = [];
  let cursor: string | undefined;
  do {
    const path = `/v1/scores/${username}/grants?limit=1000${cursor === undefined ? '' : `&cursor=${cursor}`}`;
    const { status, body } = await client.send({ method: 'GET', path });
    if (status !== 200) return grantIds;
    const page = GrantsView.parse(body);
    grantIds.push(...page.grants.map(({ grantId }) => grantId));
    cursor = page.next;
  } while (cursor !== undefined);
  return grantIds;
}

/** All events of the community, those that are nobody's included, as the rollups have them. */
async function communityRows(books: Books, client: Pick<Client, 'send'>): Promise<readonly Row[]> {
  const now = Date.now();
  const path = `/community-metrics/series?since=${now - DAYS * DAY}&to=${now + DAY}`;
  const series = Series.parse((await client.send({ method: 'GET', path })).body);
  const total = (field: string): number => sum(series[field] ?? []);
  const accounts = [...books.accounts.values()];
  const versions = accounts.flatMap((account) => account.versions);
  const awarded = accounts.flatMap(({ awards }) => [...awards.values()]);
  const invocations = [...books.events.values()].filter(({ event }) => event === 'cli_invocation');
  return [
    { what: "community's invocations", sent: invocations.length, found: total('cli_invocations') },
    { what: "community's publishes", sent: versions.length, found: total('extensions_published') },
    {
      what: "community's pulls",
      sent: sum(versions.map(({ pullers }) => pullers.size)),
      found: total('extensions_pulled'),
    },
    { what: "community's points of awards", sent: sum(awarded), found: total('awards_granted') },
  ];
}
