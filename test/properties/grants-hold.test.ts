/**
 * I3: a balance is the sum of its lines, for each user, category and source, at every moment that a transactional reader
 * can see. I4: a grant's id exists once in the whole ledger; again is a no-op that reports the first.
 *
 * GUARDS whose removal was seen to fail here:
 * - the condition `attribute_not_exists(pk)` on a line: a later grant overwrites the first
 * - the condition on the balance's seq, and on there being none yet: a grant is lost from the balance
 * - the transaction: lines and balance put one after the other differ after a fault between them
 * - `writeId`: a grant whose answer was lost is answered as a duplicate, so nobody was told that it was given
 * - reading the codes: a conflict or throttling that is not decided again fails the request; one that is taken for a
 *   commit loses the grant
 * - `firstOfId`: a repeat within one request is answered as given a second time
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aBadge, aFeedPost, anAward } from '../builders/grants.ts';
import { aUsername } from '../builders/identity.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { PLAIN_FAULTS } from '../../proof/faults.ts';
import { faultsInOrder, plansOf, Wire } from '../../proof/wire.ts';
import { GrantWorld, type Ask, type Cancellation } from './grant-world.ts';
import { chooser, faults, turns } from './telemetry-arbitraries.ts';
import { runs } from './telemetry-world.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const USERS = ['ada', 'bob', 'cleo'];
const user = fc.constantFrom(...USERS).map(aUsername);
const id = fc.constantFrom('1', '2', '3', '4');
/** Few ids, amounts and users, so that duplicates and conflicts are common. */
const grant = fc.oneof(
  fc
    .tuple(id, fc.constantFrom(10, 10, 10, 25), user)
    .map(([of, points, username]) => anAward(of, points, { username })),
  fc.tuple(id, fc.constantFrom(0, 5), user).map(([of, points, username]) => aBadge(of, points, username)),
  fc.tuple(id, user).map(([of, username]) => aFeedPost(of, username)),
);
const ask: fc.Arbitrary<Ask> = fc.oneof(
  { weight: 4, arbitrary: fc.array(grant, { minLength: 1, maxLength: 6 }).map((grants) => ({ grants })) },
  { weight: 1, arbitrary: id.map((of) => ({ reverse: `award:${of}` })) },
  { weight: 1, arbitrary: fc.tuple(id, user).map(([of, username]) => ({ reverse: `badge:${of}:${username}` })) },
);
const waves = fc.array(fc.array(ask, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
const code = fc.constantFrom(
  'None',
  'ConditionalCheckFailed',
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
);
/** For the first action, the second, and so on. At least one is a cause, otherwise there is no cancellation. */
const cancellation: fc.Arbitrary<Cancellation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(code, code).filter((codes) => codes.some((each) => each !== 'None')),
  },
  { weight: 1, arbitrary: fc.constant('unfinished' as const) },
);
const cancellations = fc.array(fc.option(cancellation, { nil: undefined }), { maxLength: 20 });

const aWorld = async (wire?: Wire, cancelled: readonly (Cancellation | undefined)[] = []) =>
  new GrantWorld(engine, (await engine.createTables(['score_grants'])).score_grants, wire, cancelled);

async function sendAll(world: GrantWorld, plan: readonly (readonly Ask[])[]) {
  for (const wave of plan) {
    await Promise.all([world.send(...wave), ...USERS.map((username) => world.checkMeanwhile(username))]);
    await world.check();
  }
}

describe('the ledger grants once, and its balances are its sums', () => {
  it('with duplicates, conflicts, reversals and concurrent senders; each grant is answered as granted once', async () => {
    await fc.assert(
      fc.asyncProperty(waves, turns, async (plan, choices) => {
        const world = await aWorld(new Wire(undefined, chooser(choices)));
        await sendAll(world, plan);
      }),
      { numRuns: runs(8) },
    );
  });

  it('also if conflicts and throttling cancel transactions, with or without failed conditions', async () => {
    await fc.assert(
      fc.asyncProperty(waves, cancellations, turns, async (plan, cancelled, choices) => {
        const world = await aWorld(new Wire(undefined, chooser(choices)), cancelled);
        await sendAll(world, plan);
      }),
      { numRuns: runs(8) },
    );
  });

  it('also with throttling, and with errors before and after any request', async () => {
    await fc.assert(
      fc.asyncProperty(waves, faults, cancellations, turns, async (plan, stream, cancelled, choices) => {
        const world = await aWorld(new Wire(faultsInOrder(stream), chooser(choices)), cancelled);
        await sendAll(world, plan);
      }),
      { numRuns: runs(8) },
    );
  });
});

describe('one fault at one request', () => {
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => anAward(`many-${from + n}`, 10 + ((from + n) % 3)));
  /** A first grant, more grants than one transaction can have, two senders of the same grant, a reversal. */
  const story: readonly (readonly Ask[])[] = [
    [{ grants: [anAward('a1', 5)] }],
    [{ grants: many(0, 51) }],
    [{ grants: [anAward('a2', 7)] }, { grants: [anAward('a2', 7), anAward('a1', 6)] }],
    [{ reverse: 'award:a1' }, { reverse: 'award:a1' }],
  ];
  const tell = async (wire: Wire) => {
    const world = await aWorld(wire);
    for (const wave of story) {
      await world.send(...wave);
      await world.check();
    }
    expect((await world.stored()).lines).toHaveLength(54);
    return wire.calls;
  };

  it.each(PLAIN_FAULTS)('changes nothing at any request: %s', async (fault) => {
    const calls = await tell(new Wire());
    for (const plan of plansOf(fault, calls)) await tell(new Wire(plan));
  });
});
