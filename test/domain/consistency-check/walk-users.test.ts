import { describe, expect, it } from 'vitest';
import type { Part, UserPlace } from '../../../domain/consistency-check/user-places.port.ts';
import { MILLISECONDS_PER_HOUR } from '../../../domain/shared/utc.ts';
import { aUsername } from '../scoring/model.ts';
import { World } from './world.ts';

describe('the users of a check', () => {
  /** A place of ten users in pages of two. Each of its parts takes every nth user. */
  const everybody = Array.from({ length: 10 }, (_, index) => aUsername(`user-${index}`));
  const inPages = (name: string, asked: string[], parts: number): UserPlace => ({
    name,
    isOfScores: true,
    parts: async () => parts,
    async page({ index, of }: Part, position) {
      const own = everybody.filter((_, place) => place % of === index);
      const from = Number(position ?? 0);
      const usernames = own.slice(from, from + 2);
      asked.push(...usernames);
      return { usernames, next: from + 2 < own.length ? String(from + 2) : null };
    },
  });

  it('are another part each hour, and all users after as many hours as there are parts', async () => {
    const world = new World();
    const hours: string[][] = [];
    for (let hour = 0; hour < 3; hour += 1) {
      const asked: string[] = [];
      await world.check({}, { places: [inPages('scores', asked, 3)] });
      hours.push(asked);
      world.time.now += MILLISECONDS_PER_HOUR;
    }
    expect(hours.map(({ length }) => length).sort()).toEqual([3, 3, 4]);
    expect(hours.flat().sort()).toEqual([...everybody].sort());
  });

  it('are all users on request, in as many invocations as needed', async () => {
    const world = new World();
    const asked: string[] = [];
    const places = [inPages('scores', asked, 3), inPages('facts', asked, 1)];
    const oneAtATime = { toBegin: () => false, toWait: () => true };
    let report = await world.check({ sample: 'all' }, { places, timeLeft: oneAtATime });
    let invocations = 1;
    for (; report.next !== null; invocations += 1) {
      expect(report.complete).toBe(false);
      expect(invocations).toBeLessThan(10);
      report = await world.check({ sample: 'all', from: report.next }, { places, timeLeft: oneAtATime });
    }

    expect([report.complete, invocations]).toEqual([true, 10]);
    expect(asked).toEqual([...everybody, ...everybody]);
  });

  it('are only as many as there is time for, and the report shows that', async () => {
    const world = new World();
    const asked: string[] = [];
    const timeLeft = { toBegin: () => asked.length < 4, toWait: () => true };
    const report = await world.check({}, { places: [inPages('scores', asked, 1)], timeLeft });

    expect(report).toMatchObject({ complete: false, next: null });
    expect(asked).toHaveLength(4);
  });

  it.each([['nonsense'], ['{}'], ['{"place":"nowhere","position":null}']])(
    'are nobody from %s, which no answer returned',
    async (from) => {
      await expect(new World().check({ sample: 'all', from })).rejects.toThrow(/^from: /u);
    },
  );
});
