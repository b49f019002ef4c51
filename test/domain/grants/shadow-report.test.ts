import { describe, expect, it } from 'vitest';
import { grantedOf } from '../../../domain/grants/granted.ts';
import { reversalOf, type GrantLine } from '../../../domain/grants/grant.ts';
import { emptyReport, withUser, type ShadowUser } from '../../../domain/grants/shadow-report.ts';
import { aBadge, aFeedPost, aLedger, anAward, AT, decide } from '../../builders/grants.ts';

const first = aLedger(anAward('a1', 50), aBadge('b1', 5), aFeedPost('p1'));
const reversal = reversalOf(first.lines[0]!, { reason: 'a mistake', grantedBy: 'team', at: AT });
const second = decide(first.balance, [reversal, anAward('a2', 7)]);
const lines = [...first.lines, ...second.lines];

const publishes = (points: number) => ({ key: 'content:extension-publishes', points });
const published = (count: number): readonly GrantLine[] =>
  aLedger(
    ...Array.from({ length: count }, (_, n) => ({
      ...aFeedPost(),
      grantId: `publish:tool@2026.01.01.${n}:ada`,
      key: 'content:extension-publishes',
      source: 'extensions',
      amount: 500,
    })),
  ).lines;
const aUser = (change: Partial<ShadowUser> = {}): ShadowUser => ({
  username: 'ada',
  score: {
    date: '2026-08-21',
    contributions: [],
    granted: grantedOf(second.balance, lines.toReversed(), { date: '2026-08-21', known: null }),
  },
  lines,
  yankedPoints: 0,
  ...change,
});
const rowOf = (user: ShadowUser, source: string) =>
  withUser(emptyReport, user).sources.find((row) => row.source === source)!;
const aPublisher = (points: number, own: readonly GrantLine[], yankedPoints = 0): ShadowUser =>
  aUser({
    score: {
      date: '2026-08-21',
      contributions: [publishes(points)],
      granted: grantedOf(first.balance, [], { date: '2026-08-21', known: null }),
    },
    lines: own,
    yankedPoints,
  });

describe('the shadow report', () => {
  it('finds nothing if scores and ledger agree, with reversed grants', () => {
    const report = withUser(withUser(emptyReport, aUser()), aUser({ username: 'bob' }));

    expect(report).toMatchObject({ users: 2, ok: true, flagged: [] });
    expect(report.sources.map(({ source, contributions, grants }) => [source, contributions, grants])).toEqual([
      ['award', 14, 14],
      ['badge', 10, 10],
      ['feed', 200, 200],
      ['extensions', 0, 0],
    ]);
  });

  it('explains lines that are newer than the score, also without a score', () => {
    const behind = aUser({
      score: {
        date: '2026-08-21',
        contributions: [],
        granted: grantedOf(first.balance, first.lines.toReversed(), { date: '2026-08-21', known: null }),
      },
    });
    expect(rowOf(behind, 'award')).toMatchObject({ difference: 43, explained: { notYetScored: 43 }, flagged: 0 });
    expect(rowOf(aUser({ score: null }), 'award')).toMatchObject({ explained: { notYetScored: -7 }, flagged: 0 });
  });

  it('explains lines of tomorrow, and their reversals', () => {
    const tomorrow = '2026-08-22T00:30:00.000Z';
    const coming = decide(second.balance, [
      { ...anAward('a3', 9), grantedAt: tomorrow },
      { ...anAward('a4', 1), grantedAt: tomorrow },
    ]);
    const undone = decide(coming.balance, [
      reversalOf(coming.lines[1]!, { reason: 'a mistake', grantedBy: 'team', at: AT }),
    ]);
    const all = [...lines, ...coming.lines, ...undone.lines];
    const date = '2026-08-21';
    const score = {
      date,
      contributions: [],
      granted: grantedOf(undone.balance, all.toReversed(), { date, known: null }),
    };

    expect(rowOf(aUser({ score, lines: all }), 'award')).toMatchObject({
      contributions: 7,
      grants: 16,
      explained: { notYetScored: -9 },
      flagged: 0,
    });
  });

  it('flags grants that the score lacks, and contributions that the ledger lacks', () => {
    const lost = aUser({ lines: lines.filter(({ grantId }) => grantId !== 'feed-post:p1') });
    const report = withUser(emptyReport, lost);

    expect(report).toMatchObject({ ok: false, flagged: [{ username: 'ada', source: 'feed', difference: 100 }] });
  });

  it.each<[string, ShadowUser, object]>([
    ['agreement', aPublisher(1_000, published(2)), { difference: 0, flagged: 0 }],
    ['a version without its grant', aPublisher(1_500, published(2)), { explained: { notYetGranted: 500 }, flagged: 0 }],
    ['a yank', aPublisher(500, published(2), 500), { explained: { yanked: -500 }, flagged: 0 }],
    ['a loss beyond a yank', aPublisher(0, published(2), 500), { explained: { yanked: -500 }, flagged: -500 }],
    ['a loss without a yank', aPublisher(500, published(2)), { explained: { yanked: 0 }, flagged: -500 }],
  ])('of publishes reports %s', (_what, user, expected) => {
    expect(rowOf(user, 'extensions')).toMatchObject(expected);
  });

  it('explains a reversed publish: its contribution follows the registry', () => {
    const own = published(2);
    const back = { ...own[1]!, seq: 3, ...reversalOf(own[1]!, { reason: 'spam', grantedBy: 'team', at: AT }) };

    expect(rowOf(aPublisher(1_000, [...own, back]), 'extensions')).toMatchObject({
      grants: 500,
      explained: { reversed: 500 },
      flagged: 0,
    });
  });

  it('lists contributions outside the ledger separately', () => {
    const score = {
      date: '2026-08-21',
      contributions: [{ key: 'telemetry:activity', points: 5 }],
      granted: aUser().score!.granted,
    };
    expect(withUser(emptyReport, aUser({ score })).outside).toEqual({ 'telemetry:activity': 5 });
  });
});
