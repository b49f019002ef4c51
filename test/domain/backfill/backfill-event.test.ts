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

  it('with a run id goes on with that run', () => {
    expect(order({ runId: '20260821T120000000Z-abc' })).toEqual({ kind: 'resume', runId: '20260821T120000000Z-abc' });
  });

  it('with a checkpoint is a continuation', () => {
    const continuation = { runId: 'r', checkpoint: 7, idleHops: 1 };

    expect(order(continuation)).toEqual({ kind: 'continue', continuation });
  });

  it.each([
    [{ mode: 'everything' }, 'mode'],
    [{ mode: null }, 'mode'],
    [{ dryRun: 'yes' }, 'dryRun'],
    [{ usernames: 'ada' }, 'usernames'],
    [{ usernames: [] }, 'usernames'],
    [{ usernames: ['ada', 'a b'] }, 'usernames.1'],
    [{ usernames: Array.from({ length: 1_001 }, (_, index) => `u${index}`) }, 'usernames'],
    [{ mode: 'stale', usernames: ['ada'] }, 'usernames'],
    [{ mode: 'all', from: '2026-08-01' }, 'from'],
    [{ from: 'yesterday' }, 'from'],
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

  it('of metrics is not yet supported', () => {
    expect(order({ mode: 'metrics' })).toMatchObject({
      kind: 'not-yet-supported',
      sentence: expect.stringContaining('not_yet_supported'),
    });
  });
});
