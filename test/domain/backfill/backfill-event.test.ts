import { describe, expect, it } from 'vitest';
import { readBackfillEvent } from '../../../domain/backfill/backfill-event.ts';

const order = (event: unknown) => {
  const read = readBackfillEvent(event);
  return read.ok ? read.value : read.error;
};

describe('a backfill event', () => {
  it.each([
    [{}, { mode: 'all', dryRun: false, usernames: null }],
    [{ mode: 'stale' }, { mode: 'stale', dryRun: false, usernames: null }],
    [
      { mode: 'all', dryRun: true },
      { mode: 'all', dryRun: true, usernames: null },
    ],
    [{ usernames: ['Bob', 'ada', 'bob'] }, { mode: 'all', dryRun: false, usernames: ['ada', 'bob'] }],
  ])('%j starts a run', (event, expected) => {
    expect(order(event)).toEqual({ kind: 'start', order: expected });
  });

  it('with a run id continues that run', () => {
    expect(order({ runId: '20260821T120000000Z-abc' })).toEqual({ kind: 'resume', runId: '20260821T120000000Z-abc' });
  });

  it('with a checkpoint is a continuation', () => {
    const continuation = { runId: 'r', checkpoint: 7, idleHops: 1 };

    expect(order(continuation)).toEqual({ kind: 'continue', continuation });
  });

  it.each([
    [{ mode: 'everything' }, 'mode'],
    [{ dryRun: 'yes' }, 'dryRun'],
    [{ usernames: 'ada' }, 'usernames'],
    [{ usernames: [] }, 'usernames'],
    [{ usernames: ['ada', 'a b'] }, 'usernames.1'],
    [{ usernames: Array.from({ length: 1_001 }, (_, index) => `u${index}`) }, 'usernames'],
    [{ mode: 'stale', usernames: ['ada'] }, 'usernames'],
    [{ mode: 'all', from: '2026-08-01' }, 'from'],
    [{ from: 'yesterday' }, 'from'],
    [{ mode: 'metrics', to: '9999-12-31' }, 'to'],
    [{ mode: 'metrics', from: '1999-12-31' }, 'from'],
    [{ username: 'ada' }, 'username'],
    [{ runId: 7 }, 'runId'],
    [{ runId: 'r', mode: 'all' }, 'mode'],
    [{ runId: 'r', checkpoint: -1, idleHops: 0 }, 'checkpoint'],
    [{ runId: 'r', checkpoint: 1 }, 'idleHops'],
    [null, 'event'],
    ['all', 'event'],
    [[], 'event'],
  ])('%j is refused, naming the field', (event, field) => {
    expect(order(event)).toMatchObject({ kind: 'invalid-event', sentence: expect.stringMatching(`^${field}\\b`) });
  });

  it.each([
    [{ mode: 'metrics' }, { from: null, to: null, dryRun: false }],
    [
      { mode: 'metrics', from: '2026-08-01', dryRun: true },
      { from: '2026-08-01', to: null, dryRun: true },
    ],
    [
      { mode: 'metrics', from: '2026-08-01', to: '2026-08-01' },
      { from: '2026-08-01', to: '2026-08-01', dryRun: false },
    ],
  ])('%j rolls up days', (event, expected) => {
    expect(order(event)).toEqual({ kind: 'start', order: { mode: 'metrics', usernames: null, ...expected } });
  });

  it('of metrics has ordered days, and no users', () => {
    expect(order({ mode: 'metrics', from: '2026-08-02', to: '2026-08-01' })).toMatchObject({
      sentence: expect.stringMatching(/^to\b/u),
    });
    expect(order({ mode: 'metrics', usernames: ['ada'] })).toMatchObject({
      sentence: expect.stringMatching(/^usernames\b/u),
    });
  });
});
