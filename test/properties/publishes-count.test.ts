/**
 * Publishes and pulls are confirmed, yanked, restored, pulled and transferred, in any order, twice, at the same time, or
 * fail on their way. They are answered as if one came after the other. Each version has its capped grant in the ledger.
 * Once all is quiet, both contributions equal a count from nothing.
 *
 * A test was seen to fail without each of these guards:
 * - publish-grant: the cap on the running sum (here);
 * - registry.saveYanks: the publishers' rows in the transaction of a yank (here);
 * - yank: versions of another channel or of another publisher are left alone (here);
 * - announce-changes: `registry` in the announcement, and no days for a manual removal (here);
 * - registry-counts: current devices of the author are left out (here);
 * - registry.publish: the extension is new, and confirm-publish: the extension is read before the version (fifty
 *   confirmations at once, in test/functions/confirm-publish.test.ts);
 * - transfer-extension: the account that gave it away may repeat that (test/functions/extension-changes.test.ts).
 * No test notices these, because another guard still holds without them: the condition on the version (its grants are new
 * as well), and those on the revision of the owner and of a yank (any order of such requests is a correct one).
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestEngine, type TestEngine } from '../support/engines.ts';
import { PLAIN_FAULTS, isRetriedBySdk } from '../../proof/faults.ts';
import { faultsInOrder, plansOf, Wire } from '../../proof/wire.ts';
import { PublishWorld } from './publish-world.ts';
import { pick } from './refresh-world.ts';
import type { Operation } from '../../proof/model/registry-orders.ts';
import { chooser, faults, turns } from './telemetry-arbitraries.ts';
import { runs } from './telemetry-world.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const aWorld = async (wire?: Wire) => new PublishWorld(engine, await engine.createTables(), wire);

const USERS = ['ada', 'bob', 'cy'];
const DAY = 86_400_000;
const actor = fc.constantFrom('user:ada', 'user:ada', 'user:bob', 'collective:guild', 'collective:crew', 'admin');
const publisher = fc.constantFrom('user:ada', 'user:ada', 'user:bob', 'collective:guild', 'collective:crew');
const name = fc.constantFrom('@s/a', '@s/a', '@s/b');
const version = fc.constantFrom('2026.08.21.1', '2026.08.21.2', '2026.08.21.10', '2026.08.21.01');
const of = { name, version };
const channel = fc.constantFrom('stable', 'stable', 'beta');
const mayBeChannel = fc.option(channel, { nil: undefined });
const device = fc.constantFrom('d1', 'd2');
const members = fc.subarray(USERS, { minLength: 1 });

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...of,
      kind: fc.constant('confirm'),
      by: publisher,
      channel,
      hash: fc.constantFrom('h', 'h', 'h', 'i'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ ...of, kind: fc.constantFrom('yank', 'unyank'), by: actor, channel: mayBeChannel }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      name,
      kind: fc.constant('transfer'),
      by: actor,
      to: fc.constantFrom('ada', 'bob', 'guild'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ name, kind: fc.constant('accept'), by: publisher }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...of,
      kind: fc.constant('pull'),
      puller: fc.constantFrom('device:d1', 'device:d2', 'user:ada', 'user:bob', 'user:zoe'),
    }),
  },
);

/** Actions without requests in flight. */
const alone = fc.oneof(
  fc.record({ does: fc.constant('members'), slug: fc.constantFrom('guild', 'crew'), members }),
  fc.record({ does: fc.constant('owner'), device, owner: fc.constantFrom('ada', 'bob', null) }),
  fc.record({
    does: fc.constantFrom('yank', 'unyank'),
    by: actor,
    name,
    channel: mayBeChannel,
  }),
  fc.record({
    does: fc.constant('series'),
    name: fc.constantFrom('@t/a', '@t/b'),
    by: publisher,
    count: fc.integer({ min: 4, max: 7 }),
  }),
  fc.record({ does: fc.constant('quiet') }),
);
type Alone = typeof alone extends fc.Arbitrary<infer Value> ? Value : never;

const picks = fc.array(fc.nat(1_000), { maxLength: 8 });
const steps = fc.array(
  fc.record({
    alone: fc.option(alone),
    wave: fc.array(operation, { maxLength: 4 }),
    announce: picks,
    refreshes: fc.array(picks, { maxLength: 2 }),
    pause: fc.constantFrom(0, 0, DAY),
  }),
  { minLength: 1, maxLength: 8 },
);
type Step = typeof steps extends fc.Arbitrary<readonly (infer Value)[]> ? Value : never;

async function doAlone(world: PublishWorld, what: Alone): Promise<void> {
  switch (what.does) {
    case 'members':
      return world.setMembers(what.slug, what.members);
    case 'owner':
      return world.setOwner(what.device, what.owner);
    case 'yank':
    case 'unyank':
      return world.askMany({ ...what, kind: what.does });
    case 'series':
      for (let n = 0; n < what.count; n += 1) {
        const { by, name } = what;
        await world.ask([{ kind: 'confirm', by, name, version: `2026.08.2${n}.${n}`, channel: 'stable', hash: 'h' }]);
      }
      return;
    case 'quiet':
      return world.drain();
  }
}

async function live(world: PublishWorld, plan: readonly Step[], everyAnswerArrived: boolean): Promise<void> {
  await world.setMembers('guild', ['ada', 'bob']);
  await world.setMembers('crew', ['cy']);
  for (const { alone: what, wave, announce, refreshes, pause } of plan) {
    world.now += pause;
    if (what !== null) await doAlone(world, what);
    await world.readStream();
    const messages = [...world.queue, ...world.handledMessages];
    const records = pick(world.records, announce);
    await world.ask(wave, [
      ...(records.length > 0 ? [world.announce(records)] : []),
      ...refreshes.map((picked) => world.refresh(pick(messages, picked))),
    ]);
    await world.checkGrants(USERS);
    await world.checkVersions();
    world.checkPublished({ everyAnswerArrived });
  }
  await world.drain();
  await world.checkPoints(USERS);
}

describe('publishes and pulls count', () => {
  it('in any order of confirmations, yanks, pulls, transfers, members and bindings', async () => {
    await fc.assert(
      fc.asyncProperty(steps, turns, async (plan, choices) => {
        const world = await aWorld(new Wire(undefined, chooser(choices)));
        await live(world, plan, true);
      }),
      { numRuns: runs(7) },
    );
  });

  it('also if any of their requests fails', async () => {
    await fc.assert(
      fc.asyncProperty(steps, faults, turns, async (plan, stream, choices) => {
        const world = await aWorld(new Wire(faultsInOrder(stream), chooser(choices)));
        await live(world, plan, false);
      }),
      { numRuns: runs(7) },
    );
  });
});

describe('one fault at one request', () => {
  const at = { name: '@s/a', version: '2026.08.21.1' };
  const confirm = { ...at, kind: 'confirm', channel: 'stable', hash: 'h' } as const;
  const story: readonly (readonly Operation[])[] = [
    [{ ...confirm, by: 'collective:guild' }],
    [{ ...at, kind: 'pull', puller: 'user:zoe' }],
    [{ ...at, kind: 'yank', by: 'collective:guild' }],
    [{ ...at, kind: 'unyank', by: 'admin' }],
    [{ name: at.name, kind: 'transfer', by: 'collective:guild', to: 'ada' }],
    [{ name: at.name, kind: 'accept', by: 'user:ada' }],
    [
      { ...confirm, version: '2026.08.21.2', by: 'user:ada' },
      { ...confirm, version: '2026.08.21.2', by: 'user:ada' },
    ],
  ];
  const tell = async (wire: Wire, everyAnswerArrived: boolean) => {
    const world = await aWorld(wire);
    await world.setMembers('guild', ['ada', 'bob']);
    for (const wave of story) await world.ask(wave);
    await world.checkGrants(USERS);
    world.checkPublished({ everyAnswerArrived });
    await world.drain();
    await world.checkPoints(USERS);
    expect(await world.pointsOf('ada')).toEqual({ publishes: 1_000, pulls: 5 });
    expect(await world.pointsOf('bob')).toEqual({ publishes: 500, pulls: 5 });
    return wire.calls;
  };

  it.each(PLAIN_FAULTS)('changes nothing at any request: %s', async (fault) => {
    const calls = await tell(new Wire(), true);
    for (const plan of plansOf(fault, calls)) await tell(new Wire(plan), isRetriedBySdk(fault));
  });
});

describe('an author with more pulls than the cap counts', () => {
  const pulls = (count: number): Operation[] =>
    Array.from({ length: count }, (_, n) => ({
      kind: 'pull',
      name: '@s/a',
      version: '2026.08.21.1',
      puller: `user:p${n}`,
    }));

  it("stays at the cap, and loses points only if pulls are removed manually or become the author's own by a new device", async () => {
    const world = await aWorld();
    const first = { by: 'user:ada', name: '@s/a', version: '2026.08.21.1' };
    await world.ask([{ ...first, kind: 'confirm', channel: 'stable', hash: 'h' }]);
    for (const pull of pulls(102)) await world.ask([pull]);
    await world.drain();
    expect((await world.pointsOf('ada')).pulls).toBe(500);

    for (let n = 0; n < 4; n += 1) await world.removeByHand('AUTHOR#ada', `PULL#@s/a@2026.08.21.1#user:p${n}`);
    await world.drain();
    expect((await world.pointsOf('ada')).pulls).toBe(490);

    for (const puller of ['device:d1', 'device:d2', 'device:d3'])
      await world.ask([{ ...pulls(1)[0]!, puller } as Operation]);
    await world.drain();
    expect((await world.pointsOf('ada')).pulls).toBe(500);
    await world.setOwner('d1', 'ada');
    await world.setOwner('d2', 'ada');
    await world.drain();
    expect((await world.pointsOf('ada')).pulls).toBe(495);
  });
});
