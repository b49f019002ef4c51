import { describe, expect, it } from 'vitest';
import { readConsistencyEvent } from '../../../domain/consistency-check/consistency-event.ts';

describe('an event of the check', () => {
  it.each([
    [{}, { of: { sample: 'hour' }, standingMs: null }],
    [{ sample: 'all' }, { of: { sample: 'all', from: null }, standingMs: null }],
    [
      { usernames: ['Bob', 'ada', 'bob'], standingSeconds: 5 },
      { of: { sample: 'named', usernames: ['ada', 'bob'] }, standingMs: 5_000 },
    ],
  ])('%j is read', (event, request) => {
    expect(readConsistencyEvent(event)).toEqual({ ok: true, value: request });
  });

  it.each([
    [null, /^event: /u],
    [[], /^event: /u],
    [{ sample: 'some' }, /^sample: expected hour or all$/u],
    [{ usernames: [] }, /^usernames: /u],
    [{ usernames: ['no name'] }, /^usernames\.0: /u],
    [{ usernames: ['ada'], sample: 'all' }, /^usernames: /u],
    [{ usernames: ['ada'], from: '{}' }, /^usernames: /u],
    [{ usernames: Array.from({ length: 1_001 }, (_, index) => `user-${index}`) }, /^usernames: /u],
    [{ from: '{}' }, /^from: /u],
    [{ standingSeconds: -1 }, /^standingSeconds: /u],
    [{ standingSeconds: 481 }, /^standingSeconds: /u],
    [{ standingSeconds: 0.5 }, /^standingSeconds: /u],
    [{ mode: 'all' }, /^mode: /u],
  ])('%j is refused with a message that names the field', (event, sentence) => {
    expect(readConsistencyEvent(event)).toMatchObject({ ok: false, error: expect.stringMatching(sentence) });
  });
});
