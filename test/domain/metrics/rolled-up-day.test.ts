import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noFacts, type HourFacts } from '../../../domain/metrics/community-hour.ts';
import { foldCommunityHour } from '../../../domain/metrics/hour-fold.ts';
import { setHour, setSamples, totalsOf, type RolledUpDay } from '../../../domain/metrics/rolled-up-day.ts';
import { anEntry } from '../../builders/device-hour.ts';
import { aUsername, sha256 } from '../../builders/identity.ts';

const DATE = '2026-08-21';
const AT = `${DATE}T12:00:00.000Z`;
const [ada, bob] = [aUsername('ada'), aUsername('bob')];

const emptyDay = (date: string): RolledUpDay => ({
  date,
  series: new Map(),
  sets: new Map(),
  rolledUpAt: new Map(),
});

const facts = (change: Partial<HourFacts>): HourFacts => ({ ...noFacts, ...change });
const device = (deviceId: string, ...events: ReturnType<typeof anEntry>[]) => ({ deviceId, events });
const withHour = (day: RolledUpDay, hour: number, of: HourFacts) =>
  setHour(day, `${DATE}T${String(hour).padStart(2, '0')}`, foldCommunityHour(of, sha256), AT);
const rolledUp = (...hours: (readonly [hour: number, of: HourFacts])[]) =>
  hours.reduce((day, [hour, of]) => withHour(day, hour, of), emptyDay(DATE));
const counts = (day: RolledUpDay) =>
  Object.fromEntries([...totalsOf(day)].map(([metric, { eventCount }]) => [metric, Number(eventCount)]));
const sums = (day: RolledUpDay) =>
  Object.fromEntries([...totalsOf(day)].map(([name, { valueSum }]) => [name, valueSum]));
const slot = (day: RolledUpDay, id: string, hour: number) => day.series.get(id)?.hours.get(hour);

describe('an hour of the community', () => {
  it('counts an event once if several devices sent it, and each of the devices', () => {
    const day = rolledUp([
      9,
      facts({ devices: [device('d1', anEntry('a'), anEntry('b')), device('d2', anEntry('a'))] }),
    ]);

    expect(counts(day)).toEqual({ CLI_INVOCATION: 2, ACTIVE_DEVICE: 2 });
  });

  it('attributes an event to the keyed copy, then to the smallest device, never to an owner', () => {
    const hour = facts({
      devices: [
        device('d1', anEntry('a'), anEntry('b', {}, ada)),
        device('d2', anEntry('a', {}, bob), anEntry('b', {}, bob)),
        device('d3', anEntry('c')),
      ],
    });

    expect(counts(rolledUp([9, hour]))).toEqual({ CLI_INVOCATION: 3, ACTIVE_DEVICE: 3, ACTIVE_MEMBER: 2 });
  });

  it('attributes an event of equal copies to the smallest device, in any order of reads', () => {
    const devices = [device('d1', anEntry('a', {}, ada)), device('d2', anEntry('a', {}, bob), anEntry('b', {}, ada))];

    for (const read of [devices, devices.toReversed()]) {
      expect(counts(rolledUp([9, facts({ devices: read })]))).toMatchObject({ CLI_INVOCATION: 2, ACTIVE_MEMBER: 1 });
    }
  });

  it("counts a server's report for a username, but it makes no user and no device active", () => {
    const hour = facts({
      devices: [device('~ada', anEntry('a', {}, ada), anEntry('b', {}, ada)), device('d1', anEntry('a'))],
    });

    expect(counts(rolledUp([9, hour]))).toEqual({ CLI_INVOCATION: 2, ACTIVE_DEVICE: 1 });
  });

  it('counts other events for the devices only', () => {
    const hour = facts({ devices: [device('d1', anEntry('a', { event: 'my_event' }, ada))] });

    expect(counts(rolledUp([9, hour]))).toEqual({ ACTIVE_DEVICE: 1, ACTIVE_MEMBER: 1 });
  });

  it('keeps invocations by command beside their sum: 64 commands, and the rest as other', () => {
    const commands = Array.from({ length: 70 }, (_, n) => `command-${String(n).padStart(2, '0')}`);
    const entries = [...commands, 'model', 'model'].map((command, n) => anEntry(String(n), { command }));
    const day = rolledUp([9, facts({ devices: [device('d1', ...entries)] })]);

    expect(slot(day, 'CLI_INVOCATION#community', 9)?.eventCount).toBe(72n);
    expect(slot(day, 'CLI_INVOCATION#command#model', 9)?.eventCount).toBe(2n);
    expect(slot(day, 'CLI_INVOCATION#command#command-00', 9)?.eventCount).toBe(1n);
    expect(slot(day, 'CLI_INVOCATION#command#other', 9)?.eventCount).toBe(7n);
    expect(day.series.size).toBe(2 + 65); // the community's invocations and devices, and the commands
  });

  it('counts versions and their publishers, and pulls by extension', () => {
    const publisher = { kind: 'personal', name: ada } as const;
    const day = rolledUp(
      [
        9,
        facts({
          versions: [
            { name: '@acme/net', version: '2026.08.21.1', publisher },
            { name: 'tool', version: '2026.08.21.1', publisher },
            { name: 'tool', version: '2026.08.21.2', publisher: { kind: 'collective', name: ada } },
          ],
          pulls: [{ name: 'tool', version: '2026.08.21.1', puller: 'user:bob' }],
        }),
      ],
      [10, facts({ pulls: [{ name: 'tool', version: '2026.08.21.2', puller: 'user:bob' }] })],
    );

    expect(counts(day)).toEqual({ EXTENSION_PUBLISHED: 3, DISTINCT_PUBLISHER: 2, EXTENSION_PULLED: 2 });
    expect(slot(day, 'EXTENSION_PULLED#extension#tool', 10)?.eventCount).toBe(1n);
  });

  it('sums the points of awards, and of all grants minus reversals', () => {
    const grants = [
      { grantId: 'award:a', amount: 500 },
      { grantId: 'badge:b:ada', amount: 20 },
      { grantId: 'reversal:award:a', amount: -500 },
    ];
    const day = rolledUp([9, facts({ grants })]);

    expect(counts(day)).toEqual({ AWARD_GRANTED: 1, POINTS_GRANTED: 3 });
    expect(sums(day)).toEqual({ AWARD_GRANTED: 500n, POINTS_GRANTED: 20n });
  });

  it('sums without a limit', () => {
    const grants = Array.from({ length: 5 }, (_, n) => ({ grantId: `award:${n}`, amount: Number.MAX_SAFE_INTEGER }));

    expect(sums(rolledUp([9, facts({ grants })]))).toMatchObject({
      AWARD_GRANTED: 5n * BigInt(Number.MAX_SAFE_INTEGER),
    });
  });
});

describe('a rolled up day', () => {
  it('counts a member of several hours once', () => {
    const hour = (id: string) =>
      facts({ devices: [device('d1', anEntry(id, {}, ada)), device('d2', anEntry(`${id}2`))] });
    const day = rolledUp([0, hour('a')], [23, hour('b')]);

    expect(counts(day)).toMatchObject({ CLI_INVOCATION: 4, ACTIVE_DEVICE: 2, ACTIVE_MEMBER: 1 });
    expect(slot(day, 'ACTIVE_DEVICE#community', 23)?.eventCount).toBe(2n);
  });

  it('replaces an hour with its current facts', () => {
    const before = facts({ devices: [device('d1', anEntry('a', {}, bob)), device('d2', anEntry('b'))] });
    const now = facts({ devices: [device('d1', anEntry('a', { command: 'run' }, ada))] });

    const again = withHour(rolledUp([9, before]), 9, now);

    expect(totalsOf(again)).toEqual(totalsOf(rolledUp([9, now])));
    const members = ({ sets }: RolledUpDay) => [...sets].map(([metric, set]) => [metric, [...set.entries()]]);
    expect(members(again)).toEqual(members(rolledUp([9, now])));
    expect(slot(again, 'CLI_INVOCATION#command#model', 9)).toBeUndefined();
  });

  it('keeps a member of another hour if one hour empties', () => {
    const hour = facts({ devices: [device('d1', anEntry('a'))] });

    expect(counts(withHour(rolledUp([9, hour], [10, hour]), 9, noFacts))).toEqual({
      CLI_INVOCATION: 1,
      ACTIVE_DEVICE: 1,
    });
  });

  it('is the same for any order and number of roll-ups', () => {
    const hours = [0, 9, 23].map((hour) => {
      const devices = [device('d1', anEntry(`${hour}`, {}, ada)), device(`d${hour}`, anEntry(`${hour}-2`))];
      return [hour, facts({ devices })] as const;
    });
    const expected = rolledUp(...hours);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...hours), { maxLength: 6 }),
        fc.shuffledSubarray(hours, { minLength: 3 }),
        (a, b) => {
          const day = rolledUp(...a, ...b);
          expect(totalsOf(day)).toEqual(totalsOf(expected));
          expect(new Map([...day.series].sort())).toEqual(new Map([...expected.series].sort()));
        },
      ),
    );
  });

  it('refuses an hour of another day', () => {
    expect(() => setHour(emptyDay(DATE), '2026-08-20T23', foldCommunityHour(noFacts, sha256), AT)).toThrow();
  });
});

describe('a gauge', () => {
  const sample = (day: RolledUpDay, members: number, at: string) =>
    setSamples(day, { members, totalScore: 2n ** 60n }, at);

  it('shows the newest sample of the day, whatever happened meanwhile', () => {
    const early = sample(emptyDay(DATE), 3, `${DATE}T09:10:00.000Z`);
    const day = withHour(sample(early, 5, `${DATE}T23:59:59.999Z`), 9, noFacts);

    expect(sums(day)).toEqual({ MEMBER_COUNT: 5n, TOTAL_SCORE: 2n ** 60n });
    expect(counts(day)).toEqual({ MEMBER_COUNT: 2, TOTAL_SCORE: 2 });
  });

  it('never replaces a newer sample of the hour with an older one', () => {
    const newer = sample(emptyDay(DATE), 5, `${DATE}T09:10:00.000Z`);

    expect(sums(sample(newer, 3, `${DATE}T09:05:00.000Z`))).toMatchObject({ MEMBER_COUNT: 5n });
    expect(sums(sample(newer, 3, `${DATE}T09:15:00.000Z`))).toMatchObject({ MEMBER_COUNT: 3n });
  });
});
