import fc from 'fast-check';
import { invocationOf, type RawEvent } from '../builders/telemetry.ts';
import type { Fault } from '../../proof/faults.ts';
import type { Request, Sender } from './telemetry-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Client clocks in milliseconds from the server's time, with both sides of every limit. */
const clocks = fc.constantFrom(
  0,
  -MINUTE,
  -30 * MINUTE - 1, // the last millisecond of the hour before, if the server's time is half past
  -30 * MINUTE,
  -12 * HOUR - 30 * MINUTE - 1, // 23:59:59.999 of the day before, at half past twelve
  -12 * HOUR - 30 * MINUTE,
  DAY,
  DAY + 1, // refused
  -20 * DAY,
  -35 * DAY,
  -35 * DAY - 1, // refused
);

const kinds = fc.constantFrom<{ event: string; properties?: Record<string, unknown> }>(
  { event: 'cli_invocation', properties: invocationOf('model') },
  { event: 'cli_invocation', properties: invocationOf('run', 'success') },
  { event: 'cli_invocation', properties: invocationOf('run', 'error') },
  { event: 'cli_invocation', properties: invocationOf('__proto__') },
  { event: 'cli_invocation', properties: invocationOf('please deploy it') },
  { event: 'cli_invocation' },
  { event: 'my_event' },
  { event: 'constructor' },
);

/** Names with which clients imitate a server's device, and names that differ only in case. */
const devices = fc.constantFrom('d1', 'd2', 'D1', '~ada', '~~ada');

const senders = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Sender>(null) },
  { weight: 5, arbitrary: fc.constantFrom<Sender>('ada', 'bob', 'cy') },
  { weight: 1, arbitrary: fc.constant<Sender>({ collective: 'guild' }) },
);

/** An event without its time. */
export type Draft = {
  readonly device: string;
  readonly clock: number;
  readonly kind: { readonly event: string; readonly properties?: Record<string, unknown> };
  readonly id: number;
  readonly usesStartedAt: boolean;
};

const draft: fc.Arbitrary<Draft> = fc.record({
  device: devices,
  clock: clocks,
  kind: kinds,
  id: fc.nat(3),
  usesStartedAt: fc.boolean(),
});

/** More events of one hour than a chunk can hold, which overlap with other such runs. */
const run: fc.Arbitrary<readonly Draft[]> = fc
  .record({ device: devices, clock: clocks, from: fc.nat(40), count: fc.integer({ min: 20, max: 60 }), kind: kinds })
  .map(({ from, count, ...rest }) =>
    Array.from({ length: count }, (_, index) => ({ ...rest, id: from + index, usesStartedAt: false })),
  );

const batch: fc.Arbitrary<readonly Draft[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(draft, { minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: run },
);

export type Wave = {
  /** Milliseconds that pass before it. */
  readonly pause: number;
  readonly sends: readonly {
    readonly sender: Sender;
    readonly drafts: readonly Draft[];
    /** Instead, part of an earlier request in another order, by any sender: a re-batched retry. */
    readonly again: { readonly which: number; readonly from: number; readonly count: number } | null;
  }[];
};

const wavesOf = (drafts: typeof batch, maxSends: number): fc.Arbitrary<Wave> =>
  fc.record({
    pause: fc.constantFrom(0, 0, 30 * MINUTE, HOUR, 11 * HOUR + 30 * MINUTE, 3 * DAY),
    sends: fc.array(
      fc.record({
        sender: senders,
        drafts,
        again: fc.option(fc.record({ which: fc.nat(), from: fc.nat(5), count: fc.integer({ min: 1, max: 40 }) }), {
          freq: 2,
        }),
      }),
      { minLength: 1, maxLength: maxSends },
    ),
  });

export const waves: fc.Arbitrary<readonly Wave[]> = fc.array(wavesOf(batch, 4), { minLength: 1, maxLength: 4 });

/** Waves of few events, for properties about other things. */
export const smallWaves: fc.Arbitrary<Wave> = wavesOf(
  fc.array(
    draft.map((one) => ({ ...one, device: one.device.toLowerCase().replace('~~', '~') })),
    { minLength: 1, maxLength: 3 },
  ),
  2,
);

/** The faults of the first requests, and the order of waiting requests. */
export const faults: fc.Arbitrary<readonly (Fault | undefined)[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    {
      weight: 3,
      arbitrary: fc.constantFrom<Fault>('lost before', 'lost after', 'throttled', 'throw before', 'throw after'),
    },
  ),
  { maxLength: 80 },
);
const NEWEST = -1;
const OLDEST = 0;
/** Long runs of one choice hold one sender or machine while all others continue. */
export const turns: fc.Arbitrary<readonly number[]> = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(NEWEST, OLDEST), fc.nat(1_000)), fc.integer({ min: 1, max: 16 })), {
    maxLength: 12,
  })
  .map((rules) => rules.flatMap(([choice, times]) => Array.from({ length: times }, () => choice)));

/** Takes the choices in order, and then always the oldest request. */
export const chooser = (choices: readonly number[]): ((waiting: number) => number) => {
  let taken = 0;
  return (waiting) => {
    const choice = choices[taken] ?? 0;
    taken += 1;
    return choice === NEWEST ? waiting - 1 : choice % waiting;
  };
};

function rawEvent({ device, clock, kind, id, usesStartedAt }: Draft, now: number): RawEvent {
  const time = new Date(now + clock).toISOString();
  return {
    ...kind,
    distinct_id: device,
    insert_id: `event-${id}`,
    ...(usesStartedAt ? { properties: { ...kind.properties, startedAt: time } } : { timestamp: time }),
  };
}

/** The requests of a wave sent at `now`. `sent` are all requests before it. */
export const requestsOf = ({ sends }: Wave, now: number, sent: readonly Request[]): readonly Request[] =>
  sends.map(({ sender, drafts, again }) => {
    const earlier = again === null ? undefined : sent[again.which % sent.length];
    if (again === null || earlier === undefined) return { sender, events: drafts.map((one) => rawEvent(one, now)) };
    const part = earlier.events.slice(again.from % earlier.events.length).slice(0, again.count);
    return { sender, events: part.toReversed() };
  });
