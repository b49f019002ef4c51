/**
 * A board of some categories or sources lists what these alone bring in its window: compared with sums over all facts at both ends
 * of the window, by the model in `proof/`, which shares no code. Scores are read back from their items.
 *
 * Seen to fail without: the activity as the rest of the score; points of lines by their kind; the end of a version; the
 * distances between dates in an item; `parts` beside the steps that an older release reads.
 */
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { reversalOf } from '../../../domain/grants/grant.ts';
import { buildBoards } from '../../../domain/leaderboards/build-boards.ts';
import { pageOf, readPlace } from '../../../domain/leaderboards/read-boards.ts';
import { BoardRules } from '../../../domain/rules/community.ts';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import type { UserScore } from '../../../domain/scoring/score.ts';
import { addDays, dateOf, isoOf, MILLISECONDS_PER_DAY as DAY } from '../../../domain/shared/utc.ts';
import { parseScoreItem, ScoreEntry, toScoreItem } from '../../../functions/adapters/dynamodb/scoring/score.items.ts';
import { pointsOn, type DatedFacts } from '../../../proof/model/scoring.ts';
import { anAward, aFeedPost } from '../../builders/grants.ts';
import { byDate } from '../../../domain/shared/by-date.ts';
import { aStanding, LeaderboardWorld } from '../../builders/memory-leaderboards.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';
import { anEvent, Clock, dependencies, FactsModel, ScoresModel } from '../scoring/model.ts';
import { aUsername } from '../../builders/identity.ts';

const NAMES = ['ada', 'bob', 'cyd', 'dan'].map((name) => aUsername(name));
const aBoard = (name: string, rest: object) => BoardRules.parse({ name, title: name, ...rest });
const BOARDS = [
  aBoard('alltime', { window: 'all' }),
  aBoard('community', { window: 'all', categories: ['community'] }),
  aBoard('issues', { window: { days: 7 }, sources: ['issues'] }),
  aBoard('given', { window: 'month', categories: ['content', 'award'] }),
  aBoard('tool', { window: { days: 30 }, sources: ['cli'] }),
  aBoard('most', { window: { days: 90 }, categories: ['activity', 'community', 'award'] }),
  aBoard('posts', { window: { days: 90 }, categories: ['content', 'award'], sources: ['feed', 'issues'] }),
  aBoard('tool-ever', { window: 'all', categories: ['activity'] }),
];

const fact = fc.record({
  by: fc.constantFrom(...NAMES),
  kind: fc.constantFrom('command', 'issue', 'sign-in', 'pull', 'version', 'award', 'post', 'reversal'),
  ago: fc.oneof(fc.nat(34), fc.nat(8), fc.constantFrom(0, 30, 31, 89, 90, 91, 120)),
  length: fc.nat(20),
});
type Fact = typeof fact extends fc.Arbitrary<infer Value> ? Value : never;

const KINDS: Readonly<Record<string, readonly [category: string, source: string]>> = {
  'telemetry:activity': ['activity', 'cli'],
  'content:extension-publishes': ['content', 'extensions'],
  'content:extension-pulls': ['content', 'extensions'],
  'community:lab-issues': ['community', 'issues'],
  'community:daily-sign-in': ['community', 'sign-in'],
  award: ['award', 'award'],
  post: ['content', 'feed'],
};

class World {
  readonly facts = new FactsModel();
  readonly scores = new ScoresModel();
  readonly clock = new Clock();
  readonly ledger = new MemoryLedger();
  readonly versions: { by: string; publishedOn: string; yankedOn: string | null }[] = [];
  readonly pulls: { by: string; puller: string; on: string }[] = [];

  async add({ by, kind, ago, length }: Fact, id: number): Promise<void> {
    const at = this.clock.now - ago * DAY;
    const mayYank = length % 2 === 0 && ago > length;
    const yankedOn = mayYank ? dateOf(at + length * DAY) : null;
    const grantedAt = isoOf(at);
    const grants = grantsOf(this.ledger);
    if (kind === 'command' && ago < 35) this.facts.send(`${by}'s`, at, anEvent(`${id}`, { sender: by }));
    if (kind === 'issue' || kind === 'sign-in') this.facts.report(kind, by, at);
    if (kind === 'pull') this.pulls.push({ by, puller: `user:p${id}`, on: dateOf(at) });
    if (kind === 'version') this.versions.push({ by, publishedOn: dateOf(at), yankedOn });
    if (kind === 'award') await grantPoints(grants, [anAward(`a${id}`, 10 + length, { username: by, grantedAt })]);
    if (kind === 'post') await grantPoints(grants, [{ ...aFeedPost(`p${id}`, by), grantedAt }]);
    const line = this.ledger.linesOf(by).find((each) => !each.grantId.includes('badge:') && each.amount > 0);
    if (kind === 'reversal' && line !== undefined)
      await grantPoints(grants, [reversalOf(line, { reason: 'a mistake', grantedBy: 'team', at: grantedAt })]);
  }

  async refresh(): Promise<void> {
    const own = <Row extends { by: string }>(rows: readonly Row[], username: string) =>
      (async function* () {
        yield rows.filter(({ by }) => by === username);
      })();
    const registry = {
      versionsOf: (username: string) => own(this.versions, username),
      pullsOf: (username: string) => own(this.pulls, username),
    };
    const deps = dependencies(this.facts, this.scores, this.clock, grantsOf(this.ledger), registry);
    for (const account of NAMES) await refreshScore(deps, { username: account, days: null });
  }

  /** Scores as a build reads them: from their items. */
  standings() {
    return [...this.scores.scores.values()].map(({ score, metricsRevision }) => {
      const { metrics } = this.scores.metrics.get(score.username)!;
      const stored = parseScoreItem(toScoreItem(score, { metrics, revision: metricsRevision }, 1)).score;
      const { username, canonicalScore, standingSince, steps, parts } = stored;
      return aStanding(username, canonicalScore, { since: Date.parse(standingSince), steps, parts });
    });
  }

  /** What a board counts of a user by the end of a date. */
  count({ categories, sources }: BoardRules, username: string, date: string): number {
    const lines = this.ledger.linesOf(username).map(({ grantId, key, grantedAt, amount }) => {
      const reversed = this.ledger.grants.get(grantId.replace(/^reversal:/u, ''))!.line.grantedAt;
      return { key, on: (reversed > grantedAt ? reversed : grantedAt).slice(0, 10), amount };
    });
    const dates = (reports: Iterable<{ username: string; at: number }>) =>
      [...reports].filter((each) => each.username === username).map(({ at }) => dateOf(at));
    const facts: DatedFacts = {
      events: this.facts.sent
        .filter(({ event }) => event.sender === username)
        .map(({ at }) => ({ date: dateOf(at), command: 'model', isActive: true })),
      issues: dates(this.facts.issues),
      signIns: dates(this.facts.signIns.values()),
      versions: this.versions
        .filter(({ by }) => by === username)
        .map(({ publishedOn, yankedOn }) => ({ published: publishedOn, yanked: yankedOn })),
      pulls: this.pulls.filter(({ by }) => by === username).map(({ on }) => on),
      lines: [],
    };
    const ofLines = (prefix: string) =>
      lines.reduce((sum, line) => (line.key.startsWith(prefix) && line.on <= date ? sum + line.amount : sum), 0);
    const points = { ...pointsOn(date, facts), award: ofLines('award:'), post: ofLines('content:feed-post:') };
    return Object.entries(points).reduce((sum, [key, each]) => {
      const [category, source] = KINDS[key]!;
      const isIn = (categories?.includes(category) ?? true) && (sources?.includes(source) ?? true);
      return isIn ? sum + each : sum;
    }, 0);
  }
}

const lastDateBefore = ({ window }: BoardRules, today: string): string | null => {
  if (window === 'all') return null;
  return addDays(window === 'month' ? `${today.slice(0, 7)}-01` : today, window === 'month' ? -1 : -window.days);
};

describe('a board of some categories or sources', () => {
  it('is the sorted sums of their points, and finds each account at its exact rank', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fact, { maxLength: 30 }), fc.constantFrom(0, 1, 12, 60), async (facts, later) => {
        const world = new World();
        for (const [id, each] of facts.entries()) {
          await world.add(each, id);
          if (id === 15) {
            await world.refresh();
            world.clock.advanceDays(later);
          }
        }
        await world.refresh();
        const boards = new LeaderboardWorld(world.standings());
        boards.now = world.clock.now;
        await buildBoards({ ...boards.build, boards: BOARDS });
        const today = dateOf(world.clock.now);
        for (const board of BOARDS) {
          const before = lastDateBefore(board, today);
          const expected = boards.people
            .map(({ username, since }) => {
              const earlier = before === null ? 0 : world.count(board, username, before);
              return { username, since, points: world.count(board, username, today) - earlier };
            })
            .filter(({ points }) => points > 0)
            .sort((a, b) => b.points - a.points || a.since - b.since || (a.username < b.username ? -1 : 1))
            .map(({ username, points }, index) => ({ rank: index + 1, username, points }));
          const page = await pageOf(boards.read, board.name, { limit: 10 });
          expect(page).toMatchObject({ ok: true, value: { total: expected.length, rows: expected } });
          for (const { rank, username, points } of expected)
            expect(await readPlace(boards.read, board.name, username)).toMatchObject({ value: { rank, points } });
        }
      }),
      { numRuns: 40 },
    );
  });

  const community = [BOARDS[0]!, aBoard('helpers', { window: { days: 7 }, categories: ['community'] })];
  const helper = (name: string, issues: number, today = 0) =>
    aStanding(name, 1_000, {
      parts: new Map([
        [
          'community/issues',
          byDate([
            ['2026-08-18', issues],
            ['2026-08-21', today],
          ]),
        ],
      ]),
    });

  it('has its past, its moves, and nobody who is hidden or not ranked', async () => {
    const world = new LeaderboardWorld(['ada', 'bob', 'cyd', 'a-bot'].map((name, index) => helper(name, 30 - index)));
    const build = {
      ...world.build,
      boards: community,
      whoIsRanked: async () => (account: string) => account !== 'a-bot',
    };
    world.now -= DAY;
    const yesterday = isoOf(world.now);
    await buildBoards(build);
    world.now += DAY;
    world.people = [helper('ada', 30), helper('bob', 29, 50), helper('cyd', 28)];
    await buildBoards(build);
    world.hidden.add('cyd');

    const rows = async (query: object) => {
      const page = await pageOf(world.read, 'helpers', { limit: 5, ...query });
      return page.ok ? page.value.rows.map((row) => [row.rank, row.username, row.points, row.change]) : page.error;
    };
    expect(await rows({ compare: 'day' })).toEqual([
      [1, 'bob', 79, 1],
      [2, 'ada', 30, -1],
      [3, 'cyd', 28, 0], // the score that hides them is on its way
    ]);
    world.now += 60_000;
    await buildBoards(build);
    expect(await rows({ at: yesterday })).toEqual([
      [1, 'ada', 30, undefined],
      [2, 'bob', 29, undefined],
    ]);
  });

  it('lists nobody whose score an older release has saved', async () => {
    const world = new LeaderboardWorld([
      aStanding('ada', 100, { steps: [{ through: '2026-08-20', score: 0 }] }),
      helper('bob', 5),
    ]);
    await buildBoards({ ...world.build, boards: community });
    expect(await pageOf(world.read, 'helpers', { limit: 5 })).toMatchObject({ value: { rows: [{ username: 'bob' }] } });
    expect(await pageOf(world.read, 'alltime', { limit: 5 })).toMatchObject({ value: { total: 2 } });
  });
});

describe('the parts of a score', () => {
  const score = (rest: Partial<UserScore>): UserScore => ({
    ...{ username: NAMES[0]!, date: '2026-08-21', contributions: [], canonicalScore: 90, activityScore: 0 },
    ...{ tier: 'Seedling', tiersReached: [], granted: { balance: { seq: 0, totalScore: 0 }, listed: [] } as never },
    ...{ standingSince: '2026-08-21T12:00:00.000Z', steps: [], isHidden: false, nextChangeOn: null, rulesVersion: '1' },
    ...{ foldedBy: '', refreshedAt: '2026-08-21T12:00:00.000Z' },
    ...rest,
  });

  it('are beside its steps in the index, in a form that an older release takes for steps that are over', () => {
    const steps = [{ through: '2026-08-18', score: 40 }];
    const parts = new Map([
      [
        'community/issues',
        byDate([
          ['2026-05-22', 10],
          ['2026-08-19', 50],
          ['2026-08-20', -10],
        ]),
      ],
    ]);
    const granted = { balance: { seq: 0, totalScore: 0, categoryTotals: new Map(), sourceTotals: new Map() } };
    const whole = { ...granted, listed: [], older: { count: 0, points: new Map() }, byDate: new Map() };
    const metrics = { ownedDevices: 1, open: new Map(), sealed: { lastHour: null }, reports: new Map() } as never;
    const item = toScoreItem(score({ steps, parts, granted: whole }), { metrics, revision: 1 }, 1);

    expect(ScoreEntry.parse(unmarshall(item)).steps).toEqual({ steps, parts });
    const numbers: number[] = JSON.parse(unmarshall(item).steps);
    const days = numbers.filter((_, index) => index % 2 === 0);
    expect(days.slice(1).every((day) => day < 200)).toBe(true);
    const old = { ...unmarshall(item), steps: JSON.stringify(numbers.slice(0, 2)) };
    expect(ScoreEntry.parse(unmarshall(marshall(old))).steps).toEqual({ steps });
  });
});
