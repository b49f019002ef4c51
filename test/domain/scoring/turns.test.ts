/**
 * These tests failed when one of these guards was removed:
 * - turnTaker: a turn of another refresh; the end of a turn in time, and with a wrong clock; reading the guard again;
 * returning the turn;
 * - refreshOnce: waiting while another one folds; proceeding after several delays.
 */
import { describe, expect, it } from 'vitest';
import { coalesce, refreshScore, type Refresh } from '../../../domain/scoring/refresh-score.ts';
import { LONGEST_TURN_MS, putOff } from '../../../domain/scoring/turns.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, ScoresModel } from './model.ts';

const ada = aUsername('ada');

/**
 * A user with `devices` devices; counts the reads of devices. `whileReading` is called once, in the middle of a fold.
 */
function userWith(devices: number) {
  const [facts, scores, clock] = [new FactsModel(), new ScoresModel(), new Clock()];
  for (let n = 0; n < devices; n += 1) facts.send(`d${n}`, clock.now, anEvent(`${n}`, { sender: ada }));
  const world = { reads: 0, whileReading: async () => {} };
  const telemetry = facts.with({
    async *hoursOf(deviceId, dates) {
      world.reads += 1;
      const { whileReading } = world;
      world.whileReading = async () => {};
      await whileReading();
      yield* facts.hoursOf(deviceId, dates);
    },
  });
  const deps = dependencies(telemetry, scores, clock);
  const refresh = (asked: Partial<Refresh> = {}) => refreshScore(deps, { username: ada, days: null, ...asked });
  return { facts, scores, clock, deps, world, refresh };
}

describe('refreshes of a user with many devices', () => {
  it('run one at a time: ten at once read every device once', async () => {
    const { scores, world, refresh } = userWith(100);
    let others: Promise<string[]> | undefined;
    world.whileReading = async () => {
      others = Promise.all(Array.from({ length: 9 }, () => refresh()));
      await others;
    };

    expect(await refresh()).toBe('saved');

    expect(await others).toEqual(Array.from({ length: 9 }, () => 'put-off'));
    expect(world.reads).toBe(100);
    expect(scores.saves).toBe(1);
  });

  it('that start at the same moment do not take the same turn', async () => {
    const { world, refresh } = userWith(100);

    const outcomes = await Promise.all(Array.from({ length: 10 }, () => refresh()));

    expect(outcomes.filter((outcome) => outcome === 'saved')).toHaveLength(1);
    expect(world.reads).toBe(100);
  });

  it('that were delayed are covered by the first one that comes back', async () => {
    const { clock, deps, world, refresh } = userWith(100);
    const announced = { username: ada, changedBefore: new Date(clock.now).toISOString() };
    const [first, ...rest] = await Promise.all(Array.from({ length: 10 }, () => refresh(coalesce([announced]))));
    expect([first, new Set(rest)]).toEqual(['saved', new Set(['put-off'])]);

    clock.now += 7_000;
    const again = rest.map(() => refreshScore(deps, coalesce([putOff(coalesce([announced]))])));
    await Promise.all(again);
    clock.now += 7_000;

    expect(await refreshScore(deps, coalesce([putOff(coalesce([announced]))]))).toBe('done-since');
    expect(world.reads).toBe(200);
  });

  it('leave a turn to its holder even if they have little to read, because a save would make the holder start again', async () => {
    const { scores, world, refresh } = userWith(100);
    await refresh();
    const others: string[] = [];
    world.whileReading = async () => void others.push(await refresh({ days: [] }));
    await refresh();

    expect(others).toEqual(['put-off']);
    expect(scores.saves).toBe(2);
  });

  it.each([
    ['ran out', LONGEST_TURN_MS - 40_000],
    ['with a wrong clock', 400 * 86_400_000],
  ])('do not wait for a turn %s', async (_what, untilFromNow) => {
    const { scores, clock, refresh } = userWith(100);
    scores.turns.set(ada, { by: 'another', until: clock.now + untilFromNow });

    expect(await refresh()).toBe('saved');
  });

  it('return their turn, also after a failure', async () => {
    const { scores, clock, world, refresh } = userWith(100);
    world.whileReading = () => Promise.reject(new Error('unreadable'));
    await expect(refresh()).rejects.toThrow('unreadable');

    expect(scores.turns.get(ada)!.until).toBeLessThanOrEqual(clock.now);
    expect(await refresh()).toBe('saved');
  });

  it('proceed without a turn after five delays', async () => {
    const { scores, clock, refresh } = userWith(100);
    scores.turns.set(ada, { by: 'another', until: clock.now + 20_000 });
    let message = putOff({ username: ada, days: ['2026-08-21'], changedAt: '2026-08-21T11:00:00.000Z' });
    expect(message).toEqual({
      username: 'ada',
      days: ['2026-08-21'],
      changedAt: '2026-08-21T11:00:00.000Z',
      putOffs: 1,
    });
    for (; message.putOffs! < 5; message = putOff(coalesce([message]))) {
      expect(await refresh(coalesce([message]))).toBe('put-off');
    }

    expect(await refresh(coalesce([message]))).toBe('saved');
  });
});

it('a user with few devices takes no turn, so a refresh costs no additional write', async () => {
  const { scores, refresh } = userWith(16);
  await refresh();

  expect(scores.turns.size).toBe(0);
});
