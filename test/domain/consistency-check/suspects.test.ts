import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Suspects } from '../../../domain/consistency-check/suspects.ts';
import { ada } from './world.ts';

const MINUTE_MS = 60_000;
/** One look of a run: the time since the last look, and the work in progress. */
const step = fc.record({
  afterMs: fc.integer({ min: 1_000, max: 15_000 }),
  areQueuesEmpty: fc.boolean(),
  lateAgoMs: fc.option(fc.integer({ min: 0, max: 20_000 })),
  differs: fc.boolean(),
});
const rarely = { weight: 1, arbitrary: step };
const quiet = {
  weight: 25,
  arbitrary: step.map((each) => ({ ...each, areQueuesEmpty: true, lateAgoMs: null, differs: true })),
};

it('a user is found if and only if the difference lasted two quiet minutes or eight minutes of any kind', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(rarely, quiet), { minLength: 10, maxLength: 120 }), (steps) => {
      const suspects = new Suspects();
      const difference = { what: 'events', expected: 2, found: 1 };
      let [now, lastLate, since, quietSince] = [0, null as number | null, 0 as number | null, null as number | null];
      suspects.note(ada, [difference], now);
      for (const { afterMs, areQueuesEmpty, lateAgoMs, differs } of steps) {
        now += afterMs;
        suspects.note(ada, differs ? [difference] : [], now);
        if (!differs) since = null;
        else since ??= now;
        if (lateAgoMs !== null) lastLate = Math.max(lastLate ?? 0, now - lateAgoMs);
        suspects.noteTraffic({ areQueuesEmpty, lastLate }, now);
        quietSince = areQueuesEmpty ? (quietSince ?? now) : null;
        const [lasted, quietFor] = [
          now - (since ?? now),
          quietSince === null ? 0 : now - Math.max(quietSince, lastLate ?? 0),
        ];
        const isExpected = differs && (lasted >= 8 * MINUTE_MS || Math.min(lasted, quietFor) >= 2 * MINUTE_MS);

        expect(suspects.take(now).length).toBe(isExpected ? 1 : 0);
        if (isExpected) return;
      }
    }),
    { numRuns: 300 },
  );
});
