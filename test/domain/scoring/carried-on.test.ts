/**
 * These tests failed when one of these guards was removed:
 * - refreshScore: the balance is read if the last save was not completed; the devices for a fold of all days;
 * - linksCarriedOn: not for all days; not for a day that is sealed;
 * - assemble: many devices are not kept; coalesce: one message that does not tell of the ledger.
 */
import { describe, expect, it } from 'vitest';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import type { AccountId } from '../../../domain/identity/account.ts';
import { coalesce, refreshScore } from '../../../domain/scoring/refresh-score.ts';
import { anAward } from '../../builders/grants.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, ScoresModel } from './model.ts';

const ada = aUsername('ada');

describe('a refresh carries on devices and the ledger', () => {
  const TODAY = ['2026-08-21'];

  /** A user with an event and an award, whose score is stored. `reads` counts what refreshes read from then on. */
  async function stored(deviceId = 'd') {
    const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
    const deps = dependencies(facts, scores, clock);
    const reads = { links: 0, balance: 0 };
    const counting = {
      ...deps,
      telemetry: {
        hoursOf: facts.hoursOf.bind(facts),
        reportsOf: facts.reportsOf.bind(facts),
        linksOf: (account: AccountId) => ((reads.links += 1), facts.linksOf(account)),
      },
      grants: {
        ...deps.grants,
        lines: {
          ...deps.grants.lines,
          balanceOf: (account: AccountId) => ((reads.balance += 1), deps.grants.lines.balanceOf(account)),
        },
      },
    };
    facts.send(deviceId, clock.now, anEvent('1', { sender: ada }));
    await grantPoints(deps.grants, [anAward('a1', 7)]);
    await refreshScore(deps, { username: ada, days: null });
    facts.send(deviceId, clock.now, anEvent('2', { sender: ada }));
    return {
      facts,
      scores,
      clock,
      deps,
      reads,
      refresh: (asked: object) => refreshScore(counting, { username: ada, days: TODAY, ...asked }),
    };
  }
  const scoreIn = (scores: ScoresModel) => scores.scores.get(ada)!.score;

  it('and reads neither if days changed and the ledger did not', async () => {
    const { scores, reads, refresh } = await stored();
    const { granted, canonicalScore } = scoreIn(scores);
    await refresh({ ledger: false });

    expect(reads).toEqual({ links: 0, balance: 0 });
    expect(scoreIn(scores).granted).toEqual(granted);
    expect(scoreIn(scores).canonicalScore).toBeGreaterThan(canonicalScore);
  });

  it.each<[what: string, asked: object, read: object]>([
    ['the balance for a message that does not tell, as of an older release', {}, { links: 0, balance: 1 }],
    ['the balance if the lines are to be listed again', { ledger: false, grants: true }, { links: 0 }],
    ['both if no days are named', { days: null, ledger: false }, { links: 1 }],
    ['the devices if an older day is named, because every day is then folded', { days: ['2026-07-01'] }, { links: 1 }],
  ])('reads %s', async (_what, asked, read) => {
    const { reads, refresh } = await stored();
    await refresh(asked);

    expect(reads).toMatchObject(read);
    if (!('balance' in read)) expect(reads.balance).toBeGreaterThan(0);
  });

  it('reads the balance if a save was not completed: the metrics cover what the score does not have', async () => {
    const { scores, deps, reads, refresh } = await stored();
    await grantPoints(deps.grants, [anAward('a2', 5)]);
    const { metrics, score } = await scores.load(ada);
    await scores.save({ metrics, score, isHidden: false }, { ...metrics!, score: score!.score, leaving: [] });
    scores.scores.set(ada, score!); // the metrics of the refresh for the award were saved, its score was not
    await refresh({ ledger: false });

    expect(reads.balance).toBe(1);
    expect(scoreIn(scores).granted.balance.totalScore).toBe(12);
  });

  it('keeps no more devices than are cheaper to store than to read', async () => {
    const { scores, reads, refresh } = await stored('d'.repeat(129));
    await refresh({ ledger: false });

    expect(scores.metrics.get(ada)!.metrics.links).toBeUndefined();
    expect(reads).toEqual({ links: 1, balance: 0 });
  });

  it('reads the devices if those that are stored are not those of the fold', async () => {
    const { scores, reads, refresh } = await stored();
    const { metrics, ...rest } = scores.metrics.get(ada)!;
    scores.metrics.set(ada, { ...rest, metrics: { ...metrics, links: [{ deviceId: 'other', owned: true }] } });
    await refresh({ ledger: false });

    expect(reads.links).toBe(1);
    expect(scores.metrics.get(ada)!.metrics.links).toEqual([{ deviceId: 'd', owned: true }]);
  });

  it('if all of its messages tell that the ledger did not move', () => {
    const [kept, moved] = [
      { username: ada, days: TODAY, ledger: false },
      { username: ada, days: [] },
    ];

    expect(coalesce([kept, kept])).toMatchObject({ ledger: false });
    expect(coalesce([kept, moved])).not.toHaveProperty('ledger');
  });
});
