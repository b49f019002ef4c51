/**
 * An hour whose fold takes long is folded at most one tenth of the time, once after its end, and again for late events. The
 * clock moves only by what folds take and by the delays of messages.
 *
 * Seen to fail without: the pause after a long fold; the last fold after the hour's end; asking again for what is put off.
 */
import { describe, expect, it } from 'vitest';
import type { RollUpRequested } from '../../../domain/messages/roll-up.message.ts';
import { noFacts } from '../../../domain/metrics/community-hour.ts';
import { nextFoldOf } from '../../../domain/metrics/refold-times.ts';
import { rollUpDay, type RollUpDeps } from '../../../domain/metrics/roll-up.ts';
import type { RolledUpDay } from '../../../domain/metrics/rolled-up-day.ts';
import { isoOf } from '../../../domain/shared/utc.ts';
import { diskSorter } from '../../../functions/adapters/disk/external-sorter.ts';
import { anEntry } from '../../builders/device-hour.ts';
import { sha256 } from '../../builders/identity.ts';

const DATE = '2026-08-21';
const HOUR = `${DATE}T09`;
const START = Date.parse(`${HOUR}:00:00.000Z`);
const END = START + 3_600_000;
const [SECOND, MINUTE] = [1_000, 60_000];
const notUsed = () => Promise.reject(new Error('not used'));

type Fold = { readonly startedAt: number; readonly took: number };

/** A community with one hour, whose fold takes as long as `took`, and a queue that delivers messages in time. */
function community(took: (at: number) => number, facts = noFacts) {
  let saves = 0;
  let now = START;
  let day: RolledUpDay = { date: DATE, series: new Map(), sets: new Map(), rolledUpAt: new Map() };
  const queue: { readonly at: number; readonly request: RollUpRequested }[] = [];
  const folds: Fold[] = [];
  const delays: number[] = [];
  const deps: RollUpDeps = {
    facts: {
      async *factsOf(_date, hours) {
        for (const hour of hours) {
          folds.push({ startedAt: now, took: took(now) });
          now += took(now);
          yield { hour, facts };
        }
      },
    },
    rollups: {
      ...{ loadSummary: notUsed, loadList: notUsed, loadWeek: notUsed, distinctOf: notUsed, summaries: notUsed },
      pullsOf: notUsed,
      load: async () => ({
        day,
        withSets: async () => day,
        async save(next, whenDone = () => next) {
          day = whenDone();
          saves += 1;
          return 'saved';
        },
        close: () => {},
      }),
    },
    accounts: { withIds: notUsed, changedSince: notUsed },
    registry: { findExtension: notUsed, async *versionsOf() {} },
    scoreTotals: { read: notUsed },
    newSorter: diskSorter(),
    async requestLater(seconds, request) {
      delays.push(seconds);
      queue.push({ at: now + seconds * SECOND, request });
    },
    ...{ clock: () => now, random: () => 0, sleep: async () => {}, sha256 },
  };
  return {
    folds,
    delays,
    rolledUp: () => day,
    saves: () => saves,
    ask(at: number, hours: readonly string[]) {
      for (const hour of hours) queue.push({ at, request: { hour } });
    },
    /** Changes of every second of some time, announced once a minute with a delay of a minute. */
    change(from: number, to: number) {
      for (let at = from; at < to; at += MINUTE) {
        queue.push({ at: at + MINUTE, request: { hour: HOUR, changedBefore: isoOf(at + MINUTE) } });
      }
    },
    /** Delivers messages until none is left. */
    async drain() {
      for (let delivered = 0; queue.length > 0; delivered += 1) {
        if (delivered > 10_000) throw new Error('messages do not end');
        queue.sort((a, b) => a.at - b.at);
        const { at, request } = queue.shift()!;
        now = Math.max(now, at);
        const together = queue.filter((other) => other.at <= now);
        for (const other of together) queue.splice(queue.indexOf(other), 1);
        await rollUpDay(deps, DATE, [request, ...together.map((other) => other.request)]);
      }
      return folds;
    },
  };
}

/** A message is not handled before the changes that it announces: one in the same second is announced a minute later. */
const SLACK = 2 * MINUTE;

describe('an hour that changes all the time', () => {
  it.each([0, 100, 5_900])('is folded every minute if a fold takes %i ms', async (took) => {
    const small = community(() => took);
    small.change(START, END);
    const folds = await small.drain();

    const gaps = folds.slice(1).map(({ startedAt }, index) => startedAt - folds[index]!.startedAt);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(SLACK);
    expect(folds.length).toBeGreaterThanOrEqual(30);
    expect(folds.at(-1)!.startedAt).toBeGreaterThanOrEqual(END);
    expect(folds.at(-1)!.startedAt).toBeLessThanOrEqual(END + SLACK);
  });

  it('is folded at most one tenth of the time if that takes minutes, and once after its end', async () => {
    const large = community((at) => Math.min(1, (at - START) / 3_600_000) * 5 * MINUTE);
    large.change(START, END);
    const folds = await large.drain();

    const within = folds.filter(({ startedAt }) => startedAt < END);
    expect(within.length).toBeGreaterThanOrEqual(3);
    for (const [index, { startedAt }] of within.slice(1).entries()) {
      expect(startedAt - within[index]!.startedAt).toBeGreaterThanOrEqual(10 * within[index]!.took);
    }
    expect(within.reduce((sum, { took }) => sum + took, 0)).toBeLessThanOrEqual(3_600_000 / 10);
    const after = folds.slice(within.length);
    expect(after).toHaveLength(1);
    expect(after[0]!.startedAt).toBeLessThanOrEqual(END + SLACK);
    expect(Math.max(...large.delays)).toBeLessThanOrEqual(900);
  });

  it('is folded again for late events, after the same pause', async () => {
    for (const [took, latest] of [
      [100, 2 * MINUTE],
      [5 * MINUTE, 50 * MINUTE + SLACK],
    ] as const) {
      const world = community(() => took);
      world.change(START, END);
      const before = (await world.drain()).length;
      const [last] = world.folds.slice(-1);
      const late = last!.startedAt + took + MINUTE;
      world.change(late, late + MINUTE);
      const folds = await world.drain();

      expect(folds.length).toBe(before + 1);
      expect(folds.at(-1)!.startedAt - last!.startedAt).toBeGreaterThanOrEqual(10 * took);
      expect(folds.at(-1)!.startedAt - late).toBeLessThanOrEqual(latest);
    }
  });
});

it('a request that names no time is not put off, and a clock that was wrong puts nothing off', async () => {
  const took = new Map([[9, 5 * MINUTE]]);
  const day = (rolledUpAt: number): RolledUpDay => ({
    ...{ date: DATE, series: new Map(), sets: new Map(), rolledUpAt: new Map([[9, isoOf(rolledUpAt)]]), tookMs: took },
  });
  for (const [started, expected] of [
    [START - 50 * MINUTE, START],
    [START + 20 * MINUTE, END + MINUTE],
    [END, END + 50 * MINUTE],
  ] as const) {
    expect(nextFoldOf(day(started), HOUR, started + MINUTE)).toBe(expected);
  }

  const world = community(() => 5 * MINUTE);
  world.change(START, START + MINUTE);
  await world.drain();
  expect(world.rolledUp().tookMs).toEqual(took);
});

it('hours that a long run leaves are asked for again, and all of them are folded', async () => {
  const world = community(() => 3 * MINUTE);
  const hours = [6, 7, 8].map((hour) => `${DATE}T0${hour}`);
  world.ask(START, hours);
  await world.drain();

  expect([...world.rolledUp().rolledUpAt.keys()]).toEqual([6, 7, 8]);
  expect(world.saves()).toBe(3);
  expect(world.delays).toEqual([1, 1, 1]); // two hours, then one
});

it('hours with many members are saved one after the other', async () => {
  const members = Array.from({ length: 100_001 }, (_, n) => ({ deviceId: `d${n}`, events: [anEntry('e')] }));
  const world = community(() => 0, { ...noFacts, devices: members });
  world.ask(START, [`${DATE}T07`, `${DATE}T08`]);
  await world.drain();

  expect([...world.rolledUp().rolledUpAt.keys()]).toEqual([7, 8]);
  expect(world.saves()).toBe(2);
});
