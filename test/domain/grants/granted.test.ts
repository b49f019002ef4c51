import { describe, expect, it } from 'vitest';
import {
  grantedOf,
  nothingGranted,
  pointsOfGranted,
  readGranted,
  type Granted,
} from '../../../domain/grants/granted.ts';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { linesUpTo, pageOfLines } from '../../../domain/grants/read-lines.ts';
import { reverseGrant } from '../../../domain/grants/reverse-grant.ts';
import { aBadge, aFeedPost, aLedger, anAward } from '../../builders/grants.ts';
import { aUsername, namesAsIds } from '../../builders/identity.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';

const ada = aUsername();
const TODAY = '2026-08-21';
const many = (count: number) => Array.from({ length: count }, (_, n) => anAward(`m${n}`, n + 1));
const sumOfOlder = ({ older }: Granted) => [...older.points.values()].reduce((sum, points) => sum + points, 0);

async function aWorld(ledger = new MemoryLedger()) {
  const deps = { ...grantsOf(ledger), clock: () => Date.parse('2026-08-21T12:00:00.000Z') };
  const reverse = (grantId: string) =>
    reverseGrant({ ...deps, names: namesAsIds }, { grantId, reason: 'a mistake', grantedBy: 'team' });
  const read = (granted: Granted | null = null) =>
    readGranted(deps, ada, { date: TODAY, previous: granted === null ? null : { granted, date: TODAY } });
  return { deps, ledger, reverse, read };
}

describe('the grants in a score', () => {
  it('contain every award, badge and feed post by its key', () => {
    const { balance, lines } = aLedger(anAward('a1', 50), aBadge('b1', 5), aFeedPost('p1'));
    const granted = grantedOf(balance, lines.toReversed(), { date: TODAY, known: null });

    expect(granted.listed).toEqual([
      { key: 'award:a1', granted: 50, isReversed: false },
      { key: 'award:badge:b1', granted: 5, isReversed: false },
      { key: 'content:feed-post:p1', granted: 100, isReversed: false },
    ]);
    expect(granted.older).toEqual({ count: 0, points: new Map() });
    expect(pointsOfGranted(granted)).toBe(155);
  });

  it('count a reversed one as 0, and keep it in the list', async () => {
    const { deps, reverse, read } = await aWorld();
    await grantPoints(deps, [anAward('a1', 50), anAward('a2', 7)]);
    await reverse('award:a1');
    const granted = await read();

    expect(granted.listed[0]).toEqual({ key: 'award:a1', granted: 50, isReversed: true });
    expect(pointsOfGranted(granted)).toBe(7);
    expect(granted.balance).toMatchObject({ seq: 3, totalScore: 7 });
  });

  it('do not contain publish grants, which only the balance has', () => {
    const publish = { ...aFeedPost(), grantId: 'publish:tool@2026.01.01.1:ada', source: 'extensions', amount: 500 };
    const { balance, lines } = aLedger(publish, anAward('a1', 5));
    const granted = grantedOf(balance, lines.toReversed(), { date: TODAY, known: null });

    expect([pointsOfGranted(granted), granted.balance.totalScore]).toEqual([5, 505]);
    expect(granted.older.count).toBe(0);
  });

  it.each([
    [100, 0],
    [101, 1],
    [250, 150],
  ])('of %i lists the newest hundred and sums up the %i older ones', async (count, older) => {
    const { deps, read } = await aWorld();
    await grantPoints(deps, many(count));
    const granted = await read();

    expect(granted.listed).toHaveLength(100);
    expect(granted.listed.every(({ granted: points }) => points > count - 100)).toBe(true);
    expect([granted.older.count, sumOfOlder(granted)]).toEqual([older, (older * (older + 1)) / 2]);
    expect(pointsOfGranted(granted)).toBe((count * (count + 1)) / 2);
  });

  it('have one limit for all three kinds, and a reversed older one is not in the sum', async () => {
    const { deps, reverse, read } = await aWorld();
    await grantPoints(deps, [anAward('old', 1_000), ...many(60), aFeedPost(), aBadge()]);
    const posts = Array.from({ length: 60 }, (_, n) => aFeedPost(`new-${n}`));
    await grantPoints(deps, posts);
    const before = await read();
    expect([before.listed.length, before.older.count]).toEqual([100, 23]);

    await reverse('award:old');
    const after = await read(before);
    expect(sumOfOlder(after)).toBe(sumOfOlder(before) - 1_000);
    expect(after.older.count).toBe(23);
  });

  it('are read again only if the balance has changed', async () => {
    const { deps, ledger, read } = await aWorld();
    await grantPoints(deps, [anAward()]);
    const before = await read();
    const { reads } = ledger;

    expect(await read(before)).toBe(before);
    expect(ledger.reads).toBe(reads);
    await grantPoints(deps, [anAward('a2')]);
    expect((await read(before)).listed).toHaveLength(2);
  });

  it('are empty without a grant, and read no lines', async () => {
    const { ledger, read } = await aWorld();

    expect(await read()).toEqual(nothingGranted);
    expect(ledger.reads).toBe(0);
  });
});

/** An index that shows a line only after several reads. */
class LaggingLedger extends MemoryLedger {
  lag = 0;
  hidden: (seq: number) => boolean = () => false;
  override linesOf(username: string) {
    const lines = super.linesOf(username);
    const isBehind = this.reads <= this.lag;
    return lines.filter(({ seq }) => !isBehind || !this.hidden(seq));
  }
}

describe('reading lines through an index that lags', () => {
  it.each([
    ['the newest line', (seq: number) => seq === 5],
    ['a line in the middle', (seq: number) => seq === 3],
    ['all are', () => true],
  ])('waits until the index shows %s', async (_what, hidden) => {
    const ledger = new LaggingLedger();
    const { deps, read } = await aWorld(ledger);
    await grantPoints(deps, many(5));
    Object.assign(ledger, { hidden });
    const afresh = () => Object.assign(ledger, { reads: 0, lag: 3 });

    afresh();
    expect((await read()).listed).toHaveLength(5);
    afresh();
    expect((await linesUpTo(deps, ada)).lines).toHaveLength(5);
    afresh();
    expect((await pageOfLines(deps, ada, { limit: 4 })).page.map(({ seq }) => seq)).toEqual([5, 4, 3, 2]);
  });

  it('never makes a score from a part of the lines, but shows an auditor all available ones', async () => {
    const ledger = new LaggingLedger();
    const { deps, read } = await aWorld(ledger);
    await grantPoints(deps, many(5));
    Object.assign(ledger, { hidden: (seq: number) => seq === 3, lag: Infinity });

    await expect(read()).rejects.toThrow();
    expect((await linesUpTo(deps, ada)).lines.map(({ seq }) => seq)).toEqual([1, 2, 4, 5]);
  });

  it('gives an auditor the lines up to a balance, even if more arrive during each read', async () => {
    const ledger = new MemoryLedger();
    const { deps } = await aWorld(ledger);
    await grantPoints(deps, many(3));
    let more = 3;
    const lines = {
      ...deps.lines,
      balanceOf: ledger.balanceOf,
      allOf: async (account: typeof ada) => {
        await grantPoints(deps, [anAward(`more-${(more += 1)}`, 1)]);
        return ledger.allOf(account);
      },
    };

    const read = await linesUpTo({ ...deps, lines }, ada);

    expect(read.lines.map(({ seq }) => seq)).toEqual(Array.from({ length: read.balance.seq }, (_, n) => n + 1));
  });

  it('pages through all lines, newest first', async () => {
    const { deps } = await aWorld();
    await grantPoints(deps, many(7));
    const seen: number[] = [];
    let before: number | undefined;
    do {
      const { page, next } = await pageOfLines(deps, ada, { limit: 3, before });
      seen.push(...page.map(({ seq }) => seq));
      before = next ?? undefined;
    } while (before !== undefined);

    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect((await pageOfLines(deps, ada, { limit: 7 })).next).toBeNull();
  });
});
