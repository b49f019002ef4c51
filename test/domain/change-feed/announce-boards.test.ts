import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, it } from 'vitest';
import { boardAnnouncer, RANK_DELAY_SECONDS } from '../../../domain/change-feed/announce-boards.ts';
import { announceRefreshes } from '../../../domain/change-feed/announce-refreshes.ts';
import { RankRequested } from '../../../domain/messages/rank.message.ts';
import { scoreChange } from '../../../functions/adapters/dynamodb/change-feed/score-changes.ts';
import { aUsername } from '../../builders/identity.ts';
import { anAnnouncer, AT } from './an-announcer.ts';

const announcer = () =>
  anAnnouncer<RankRequested>(({ request, clock }) => boardAnnouncer({ requestRanks: request, clock }));

describe('the boards are announced', () => {
  it('once for all changed scores, in a message with the time up to which it covers changes', async () => {
    const { requests, changed } = announcer();
    await changed({ kind: 'standing-changed' }, { kind: 'standing-changed' });

    expect(requests).toHaveLength(1);
    expect(RankRequested.parse(requests[0])).toEqual(requests[0]);
    const covered = Date.parse(requests[0]!.changedBefore!) - AT;
    expect(covered).toBeGreaterThan(0);
    expect(covered).toBeLessThan(RANK_DELAY_SECONDS * 1_000);
  });

  it('again only when the announcement no longer covers new changes', async () => {
    const { world, requests, changed } = announcer();
    await changed({ kind: 'standing-changed' });
    const until = Date.parse(requests[0]!.changedBefore!);
    world.now = until - 1;
    await changed({ kind: 'standing-changed' });
    expect(requests).toHaveLength(1);

    world.now = until;
    await changed({ kind: 'standing-changed' });
    expect(requests).toHaveLength(2);
  });

  it('again if the announcement could not be queued', async () => {
    const { world, requests, changed } = announcer();
    world.fails = true;
    await expect(changed({ kind: 'standing-changed' })).rejects.toThrow('no queue');
    world.fails = false;
    await changed({ kind: 'standing-changed' });

    expect(requests).toHaveLength(1);
  });

  it('not after any other change', async () => {
    const { requests, changed } = announcer();
    await changed({ kind: 'profile-changed', username: aUsername('ada') }, { kind: 'extension-changed', hours: [] });

    expect(requests).toEqual([]);
  });
});

describe('a change of the scores', () => {
  const score = {
    username: 'ada',
    memberScore: 10,
    tier: 'Seedling',
    standingSince: '2026-08-21T12:00:00.000Z',
    steps: '[20685,0]',
    refreshedAt: '2026-08-21T12:00:00.000Z',
    rev: 1,
  };
  const change = (sk: string, before: object | undefined, after: object | undefined) =>
    scoreChange({
      table: 'user_scores',
      keys: marshall({ pk: 'USER#ada', sk }),
      before: before && marshall(before),
      after: after && marshall(after),
    });

  it.each([
    ['a first score', undefined, score],
    ['more points', score, { ...score, memberScore: 20 }],
    ['a visibility choice that a refresh copied', score, { ...score, isHidden: true }],
    ['a score that was deleted manually', score, undefined],
  ])('announces the boards for %s', (_what, before, after) => {
    expect(change('SCORE', before, after)).toEqual({ kind: 'standing-changed' });
  });

  it('announces nothing for a refresh without changes', () => {
    expect(change('SCORE', score, { ...score, rev: 2, refreshedAt: '2026-08-21T13:00:00.000Z' })).toBeUndefined();
  });

  it.each([['METRICS'], ['DAY#2026-08-21']])('announces nothing for %s', (sk) => {
    expect(change(sk, undefined, {})).toBeUndefined();
  });

  it('throws on an unreadable score, so that it is not lost', () => {
    expect(() => change('SCORE', undefined, { memberScore: 'ten' })).toThrow();
  });

  it("asks for a refresh after a user's choice, and never after a saved score", async () => {
    const requested: unknown[] = [];
    const deps = {
      devices: { find: async () => undefined },
      requestRefreshes: async (requests: readonly unknown[]) => void requested.push(...requests),
    };
    const committedAt = new Date(AT).toISOString();
    const profile = change('PROFILE', undefined, { isHidden: true });
    expect(profile).toEqual({ kind: 'profile-changed', username: 'ada' });
    await announceRefreshes(deps, [
      { change: profile!, committedAt },
      { change: { kind: 'standing-changed' }, committedAt },
    ]);

    expect(requested).toEqual([
      { username: 'ada', days: [], ledger: false, changedAt: committedAt, changedBefore: '2026-08-21T12:00:01.000Z' },
    ]);
  });
});
