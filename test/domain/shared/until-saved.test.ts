import { describe, expect, it } from 'vitest';
import { Busy, untilSaved, withinRequest } from '../../../domain/shared/until-saved.ts';

/** Tries that take `took` ms each, on a clock that only the tries and pauses move. */
async function busyFor(took: number, staleTries = Number.POSITIVE_INFINITY) {
  let [now, tries] = [0, 0];
  const deps = {
    clock: () => now,
    random: () => 1,
    sleep: async (milliseconds: number) => void (now += milliseconds),
  };
  const outcome = await untilSaved(withinRequest(deps), async (isFirst) => {
    expect(isFirst).toBe(tries === 0);
    tries += 1;
    now += took;
    return tries > staleTries ? 'done' : 'stale';
  }).catch((error: unknown) => error);
  return { outcome, tries, ms: now };
}

describe('a writer that always loses', () => {
  it.each([0, 10, 300, 1_000, 3_000])('gives up before ten seconds are over: tries of %i ms', async (took) => {
    const { outcome, ms, tries } = await busyFor(took);

    expect(outcome).toBeInstanceOf(Busy);
    expect(ms).toBeLessThan(9_000);
    expect(tries).toBeGreaterThan(took < 1_000 ? 5 : 0);
  });

  it('gives up after a number of tries, whatever the clock', async () => {
    expect((await busyFor(0)).tries).toBeLessThanOrEqual(60);
  });
});

it('returns the decision that succeeds at last', async () => {
  expect(await busyFor(100, 5)).toMatchObject({ outcome: 'done', tries: 6 });
});
