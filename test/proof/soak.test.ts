import { describe, expect, it } from 'vitest';
import { Books } from '../../proof/soak/books.ts';
import type { Request } from '../../proof/soak/client.ts';
import { reconcile, type StackFigures } from '../../proof/soak/reconcile.ts';
import { CRASHES } from '../../proof/soak/crashes.ts';
import { runSoak } from '../../proof/soak/run-soak.ts';

describe('a short soak', () => {
  it('adds up, although threads, both engines and the whole stack crash meanwhile', async () => {
    const report = await runSoak({
      seed: 'short',
      durationMs: 2_000,
      rate: 40,
      users: 6,
      lanes: 6,
      crashEveryMs: 300,
      longestDownMs: 400,
      refusedMs: 1_000,
      visibilitySeconds: 2,
    });

    expect(report.reconciliation.differences).toEqual([]);
    expect(new Set(report.crashes.keys())).toEqual(new Set([...CRASHES, 'refusal', 'slowness']));
    expect(report.done.get('rename')).toBeGreaterThan(0);
    expect(report.traffic.requests).toBeGreaterThan(7); // the keys alone are seven requests
  });
});

/** The requests of one user, and a stack whose answers match them. */
function sentAndFound() {
  const books = new Books();
  const account = books.open('ada', ['laptop']);
  const event = (insertId: string, sender: string | null) => ({
    event: { deviceId: 'laptop', hour: '2026-08-21T12', id: insertId, kind: 'cli_invocation model ok', sender },
    ...{ accepted: 1, mayBeLost: false },
  });
  books.events.set('one', event('one', 'ada'));
  books.events.set('two', event('two', null));
  books.owners.set('laptop', 'ada');
  Object.assign(books.verdicts, { copies: 3, accepted: 2, duplicates: 1, rejected: 0 });
  account.awards.set('award:talk', 50);
  account.versions.push({
    ...{ name: '@ada/net', version: '2026.08.21.1', author: 'ada', isYanked: false },
    pullers: new Set(['ada', 'bob']),
  });

  const found = {
    stats: {
      ...{ totalEvents: 2, eventCounts: { cli_invocation: 2 }, commandCounts: { model: 2 } },
      activeDates: ['2026-08-21'],
    },
    score: {
      accountId: 'ada',
      scoreSources: {
        'content:extension-publishes': { points: 500 },
        'content:extension-pulls': { points: 5 },
        'community:lab-issues': { points: 0 },
      },
      balance: { totalScore: 550, sourceTotals: { award: 50, extensions: 500 } },
    },
    audit: { ok: true, sum: 550, problems: [] },
    grants: {
      accountId: 'ada',
      grants: ['award:talk', 'publish:@ada/net@2026.08.21.1:ada', 'badge:tier-sprout:ada'].map((grantId) => ({
        grantId,
      })),
    },
    series: { cli_invocations: [0, 2], extensions_published: [1], extensions_pulled: [2], awards_granted: [50] },
  };
  const figures: StackFigures = {
    leftOver: new Map([['score-refresh-dlq', 0]]),
    consistency: { checked: 1, different: 0, unsettled: 0, differences: [] },
  };
  const client = {
    send: async ({ path }: Request) => {
      if (path.includes('nobody')) return { status: 404, body: {}, lostTries: 0 };
      const part = /stats|audit|grants|series/u.exec(path)?.[0] ?? 'score';
      return { status: 200, body: found[part as keyof typeof found], lostTries: 0 };
    },
  };
  return { books, account, found, figures, reconcile: () => reconcile(books, client, figures) };
}

describe('the reconciliation', () => {
  it('finds no difference if everything was counted once', async () => {
    const { differences, rows } = await sentAndFound().reconcile();

    expect(differences).toEqual([]);
    for (const { sent, found } of rows) expect(found).toBe(sent);
  });

  type World = ReturnType<typeof sentAndFound>;
  const changes: readonly [string, (world: World) => void, RegExp][] = [
    ['an event that was lost', ({ found }) => (found.stats.totalEvents = 1), /^ada: totalEvents/u],
    [
      'an event that was counted by another name',
      ({ found }) => (found.stats.eventCounts = { cli_invocation: 1 }),
      /eventCounts/u,
    ],
    ['a command', ({ found }) => (found.stats.commandCounts = { model: 1 }), /commandCounts/u],
    ['an account that is another one now', ({ account }) => (account.accountId = 'bob'), /^ada: account/u],
    ['a name that leads nowhere', ({ account }) => (account.name = 'nobody'), /^ada is unknown/u],
    ['a date', ({ found }) => (found.stats.activeDates = []), /activeDates/u],
    ['an event of a device without an owner', ({ books }) => books.owners.clear(), /^ada: totalEvents/u],
    [
      'an event that was accepted twice',
      ({ books }) => (books.events.get('one')!.accepted = 2),
      /^one was accepted 2 times/u,
    ],
    [
      'a first copy that is a duplicate',
      ({ books }) => (books.events.get('one')!.accepted = 0),
      /^one is a duplicate of nothing/u,
    ],
    ['a copy without an answer', ({ books }) => (books.verdicts.copies = 4), /^copies of events/u],
    ['an impossible answer', ({ books }) => books.odd('odd'), /^odd$/u],
    [
      'a publish that does not count',
      ({ found }) => (found.score.scoreSources['content:extension-publishes'].points = 0),
      /extension-publishes/u,
    ],
    ['a yank without effect', ({ account }) => (account.versions[0]!.isYanked = true), /extension-publishes/u],
    [
      'a pull that does not count',
      ({ found }) => (found.score.scoreSources['content:extension-pulls'].points = 0),
      /extension-pulls/u,
    ],
    [
      'an award that was given twice',
      ({ found }) => (found.score.balance.sourceTotals.award = 100),
      /balance of award/u,
    ],
    ['a reversal that was lost', ({ account }) => account.reversed.add('award:talk'), /balance of award/u],
    ['a balance', ({ found }) => (found.score.balance.totalScore = 551), /^ada: balance: 551/u],
    ['an audit with a finding', ({ found }) => (found.audit.ok = false), /the audit finds/u],
    ['a missing line', ({ found }) => found.grants.grants.shift(), /^ada: lines/u],
    ['a repeated line', ({ found }) => found.grants.grants.push(found.grants.grants[0]!), /^ada: lines/u],
    ["the community's invocations", ({ found }) => (found.series.cli_invocations = [1]), /^community's invocations/u],
    ["the community's pulls", ({ found }) => (found.series.extensions_pulled = [1]), /^community's pulls/u],
    [
      'a dead letter',
      ({ figures }) => Object.assign(figures, { leftOver: new Map([['a-dlq', 1]]) }),
      /^left over in a-dlq/u,
    ],
    [
      'what the consistency check finds',
      ({ figures }) => Object.assign(figures.consistency, { different: 1 }),
      /consistency/u,
    ],
  ];
  it.each(changes)('reports %s', async (_what, change, sentence) => {
    const world = sentAndFound();
    change(world);

    expect((await world.reconcile()).differences).toContainEqual(expect.stringMatching(sentence));
  });
});

describe('the books', () => {
  it('reports a duplicate that was never sent before and whose answer was not lost', () => {
    const books = new Books();
    books.count('duplicate', 'first', { mayBeDuplicate: true });
    books.count('accepted', 'second', { mayBeDuplicate: false });
    expect(books.oddities).toEqual([]);

    books.count('duplicate', 'third', { mayBeDuplicate: false });
    books.count(undefined, 'fourth', { mayBeDuplicate: false });
    expect(books.oddities).toHaveLength(2);
    expect(books.verdicts).toEqual({ copies: 4, accepted: 1, duplicates: 2, rejected: 0 });
  });
});
