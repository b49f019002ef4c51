import { describe, expect, it } from 'vitest';
import { pointsOn, scoreOn, tierOf, tiersUpTo, type DatedFacts } from '../../proof/model/scoring.ts';
import { problemsOfBalances } from '../../proof/model/ledger.ts';
import { TelemetryModel, type SentEvent } from '../../proof/model/telemetry.ts';

const noFacts: DatedFacts = { events: [], issues: [], signIns: [], versions: [], pulls: [], lines: [] };
const times = (count: number, command: string) => Array.from({ length: count }, () => command);

describe("the model's scoring rules", () => {
  it('give the worked example of the rules', () => {
    const commands = [...times(40, 'model'), ...times(10, 'workflow'), ...times(2, 'telemetry')];
    const dates = ['2026-08-01', '2026-08-03', '2026-08-05', '2026-08-07', '2026-08-19', '2026-08-20', '2026-08-21'];
    const events = [
      ...commands.map((command) => ({ date: '2026-08-21', command, isActive: true })),
      ...dates.map((date) => ({ date, command: null, isActive: true })),
    ];

    expect(scoreOn('2026-08-21', { ...noFacts, events })).toBe(755);
  });

  it('know caps and tiers', () => {
    const version = { published: '2026-08-21', yanked: null };
    const versions = Array.from({ length: 11 }, () => version);
    expect(pointsOn('2026-08-21', { ...noFacts, versions })['content:extension-publishes']).toBe(5_000);
    expect([tierOf(999), tierOf(1_000)]).toEqual(['Seedling', 'Sprout']);
    expect(tiersUpTo(25_000)).toEqual(['Sprout', 'Sapling', 'Tree']);
  });
});

const NOON = Date.parse('2026-08-21T12:00:00.000Z');
const sent = (change: Partial<SentEvent> = {}): SentEvent => ({
  began: 1,
  ended: 2,
  deviceId: 'd1',
  hour: '2026-08-21T12',
  id: 'e1',
  kind: 'opened',
  sender: null,
  answer: 'accepted',
  request: 'first',
  isTriedOnce: true,
  mayBeLost: false,
  from: NOON,
  to: NOON,
  ...change,
});
const stored = ({ deviceId, hour, id, kind, sender }: SentEvent) => ({ deviceId, hour, id, kind, sender });
const device = (owner: string | null = null) => ({ deviceId: 'd1', owner, createdAt: '2026-08-21T12:00:00.000Z' });

const chunks = [{ deviceId: 'd1', hour: '2026-08-21T12', index: 0, isClosed: false }];

function problemsAfter(
  sends: readonly SentEvent[],
  events: readonly SentEvent[],
  owner: string | null = null,
): string[] {
  const model = new TelemetryModel();
  for (const send of sends) model.sent(send);
  return model.settle({ events: events.map(stored), chunks, devices: [device(owner)], reports: [] });
}

describe("the model's telemetry", () => {
  it('accepts events that were accepted and are stored', () => {
    expect(problemsAfter([sent()], [sent()])).toEqual([]);
  });

  it.each([
    ['an accepted event that is not stored', [sent()], [], null],
    ['an event that nobody sent', [], [sent()], null],
    ['an event that is stored twice', [sent()], [sent(), sent()], null],
    ['an event that was accepted twice', [sent(), sent({ began: 3, ended: 4 })], [sent()], null],
    [
      'a later kind in place of the first',
      [sent(), sent({ began: 3, ended: 4, kind: 'closed', answer: 'duplicate' })],
      [sent({ kind: 'closed' })],
      null,
    ],
    ['a keyed event without a sender', [sent({ sender: 'ada' })], [sent()], 'ada'],
    [
      'a second sender in place of the first',
      [sent({ sender: 'ada' }), sent({ sender: 'bob', began: 3, ended: 4, answer: 'duplicate' })],
      [sent({ sender: 'bob' })],
      'ada',
    ],
    [
      'a second owner in place of the first',
      [sent({ sender: 'ada' }), sent({ id: 'e2', sender: 'bob', began: 3, ended: 4 })],
      [sent({ sender: 'ada' }), sent({ id: 'e2', sender: 'bob' })],
      'bob',
    ],
    ['a bound device without an owner', [sent({ sender: 'ada' })], [sent({ sender: 'ada' })], null],
  ])('finds %s', (_what, sends, events, owner) => {
    expect(problemsAfter(sends, events, owner)).toHaveLength(1);
  });

  it('accepts any order of concurrent requests', () => {
    const both = [
      sent({ began: 1, ended: 5, kind: 'opened' }),
      sent({ began: 2, ended: 4, kind: 'closed', answer: 'duplicate' }),
    ];

    expect(problemsAfter(both, [sent({ kind: 'closed' })])).toEqual([]);
  });

  it('lets nobody be told of an event only if another sender came between a lost answer and its repeat', () => {
    const untold = sent({ answer: 'duplicate', ended: 5, mayBeLost: true });
    const other = sent({ id: 'e2', request: 'second', began: 2, ended: 4 });

    expect(problemsAfter([untold, other], [untold, other])).toEqual([]);
    expect(problemsAfter([untold], [untold])).toHaveLength(1);
    expect(problemsAfter([{ ...untold, mayBeLost: false }, other], [untold, other])).toHaveLength(1);
  });

  it('finds a fact that changes from one possible state to another', () => {
    const model = new TelemetryModel();
    const [first, second] = [sent({ kind: 'opened' }), sent({ kind: 'closed', answer: 'duplicate' })];
    for (const send of [first, second]) model.sent(send);
    const found = { chunks, devices: [device()], reports: [] };
    expect(model.settle({ ...found, events: [stored(first)] })).toEqual([]);

    expect(model.settle({ ...found, events: [stored(second)] })).toHaveLength(1);
  });

  it('finds a gap in the chunks of an hour, and a device that is new at another time', () => {
    const model = new TelemetryModel();
    model.sent(sent());
    const late = { ...device(), createdAt: '2026-08-21T13:00:00.000Z' };
    const second = chunks.map((chunk) => ({ ...chunk, index: 1 }));
    expect(model.settle({ events: [stored(sent())], chunks: second, devices: [late], reports: [] })).toHaveLength(2);
  });
});

describe("the model's ledger", () => {
  const line = {
    grantId: 'award:a1',
    username: 'ada',
    key: 'award:a1',
    category: 'award',
    source: 'award',
    amount: 50,
    grantedAt: '2026-08-21T12:00:00.000Z',
    seq: 1,
    balanceAfter: 50,
    hash: 'h1',
    previousHash: null,
    isGenuine: true,
  };
  const balance = {
    username: 'ada',
    seq: 1,
    totalScore: 50,
    categoryTotals: { award: 50 },
    sourceTotals: { award: 50 },
    head: 'h1',
  };

  it('accepts a balance that is the sum of its lines', () => {
    expect(problemsOfBalances([line], [balance])).toEqual([]);
  });

  it.each([
    ['a balance without its line', [], [balance]],
    ['a line without a balance', [line], []],
    [
      'a balance that does not contain one of its lines',
      [line, { ...line, grantId: 'award:a2', seq: 2, balanceAfter: 100, previousHash: 'h1', hash: 'h2' }],
      [balance],
    ],
    ['totals of another category', [line], [{ ...balance, categoryTotals: { content: 50 } }]],
    ['a changed line', [{ ...line, isGenuine: false }], [balance]],
    ['a line of another chain', [{ ...line, previousHash: 'h0' }], [balance]],
  ])('finds %s', (_what, lines, balances) => {
    expect(problemsOfBalances(lines, balances).length).toBeGreaterThan(0);
  });
});
