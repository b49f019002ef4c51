import { aRegistryCount } from '../../builders/registry.ts';
import { describe, expect, it } from 'vitest';
import type { UserPlace } from '../../../domain/consistency-check/user-places.port.ts';
import { aUsername } from '../scoring/model.ts';
import { ada, bob, healthy, rescored, tampered, World } from './world.ts';

describe('the consistency check', () => {
  it('finds nothing if everything is right, and does not wait', async () => {
    const world = await healthy();
    const begun = world.time.now;

    expect(await world.check()).toEqual({
      sample: 'hour',
      checked: 2,
      different: 0,
      differences: [],
      unsettled: 0,
      remembered: 0,
      ofOtherRules: 0,
      complete: true,
      next: null,
      ok: true,
    });
    expect(world.time.now).toBe(begun);
  });

  it('compares a stored score on its own date, however old it is', async () => {
    const world = await healthy();
    world.time.advanceDays(400);

    expect(await world.check()).toMatchObject({ checked: 2, ok: true });
  });

  it.each([
    [
      'an open day without one of its events',
      (world: World) => tampered(world, ({ open }) => ({ open: new Map([...open].slice(1)) })),
    ],
    [
      'a wrong sealed sum',
      (world: World) => tampered(world, ({ open, sealed }) => ({ sealed: [...open.values()][0] ?? sealed })),
    ],
    ['a count of devices', (world: World) => tampered(world, () => ({ ownedDevices: 2 }))],
    ['a count of publishes', (world: World) => tampered(world, () => ({ registry: aRegistryCount(1) }))],
    ['a score', (world: World) => rescored(world, { canonicalScore: 7 })],
    ['a tier', (world: World) => rescored(world, { tier: 'Oak' })],
    ['a date of the next change', (world: World) => rescored(world, { nextChangeOn: null })],
    ['missing metrics', (world: World) => world.scores.metrics.delete(ada)],
    [
      'a balance',
      (world: World) => world.ledger.balances.set(ada, { ...world.ledger.balances.get(ada)!, totalScore: 99 }),
    ],
    ['a missing balance', (world: World) => world.ledger.balances.delete(ada)],
    ['a missing line', (world: World) => world.ledger.grants.delete('award:award-ada')],
    [
      'a changed line, with its amount',
      (world: World) => {
        const stored = world.ledger.grants.get('award:award-ada')!;
        world.ledger.grants.set('award:award-ada', { ...stored, line: { ...stored.line, amount: 11 } });
      },
    ],
    [
      'an older line with another reason',
      async (world: World) => {
        await world.award(ada, 'newer');
        await world.refresh(ada);
        const stored = world.ledger.grants.get('award:award-ada')!;
        world.ledger.grants.set('award:award-ada', { ...stored, line: { ...stored.line, reason: 'another' } });
      },
    ],
    ['an unannounced event', (world: World) => world.send(ada, 'untold')],
    ['an unannounced award', (world: World) => world.award(ada, 'untold')],
  ] satisfies [string, (world: World) => unknown][])('finds %s', async (_what, spoil: (world: World) => unknown) => {
    const world = await healthy();
    await spoil(world);
    const report = await world.check();

    expect(report).toMatchObject({ checked: 2, different: 1, ok: false });
    expect(new Set(report.differences.map(({ username }) => username))).toEqual(new Set([ada]));
    expect(report.differences.length).toBeLessThanOrEqual(5);
  });

  it('names the figure that differs, and its expected value', async () => {
    const world = await healthy();
    rescored(world, { canonicalScore: 7 });
    const expected = world.scores.scores.get(bob)!.score.canonicalScore;

    expect((await world.check()).differences).toEqual([{ username: ada, what: 'canonicalScore', expected, found: 7 }]);
  });

  it('does not report the score for a wrong balance', async () => {
    const world = await healthy();
    world.ledger.balances.set(ada, { ...world.ledger.balances.get(ada)!, totalScore: 99 });

    expect((await world.check()).differences).toEqual([{ username: ada, what: 'balance', expected: 10, found: 99 }]);
  });

  it('finds users without a refresh through facts and grants, and checks nobody twice', async () => {
    const world = await healthy();
    const [cy, dee, eve] = [aUsername('cy'), aUsername('dee'), aUsername('eve')];
    await world.send(cy, 'one');
    await world.award(dee, 'one', 3);
    world.places = { scores: [ada, bob, ada], others: [ada, bob, cy, dee, eve, cy] };
    const report = await world.check();

    expect(report).toMatchObject({ checked: 4, different: 2 }); // eve has nothing to compare
    expect(report.differences).toEqual([
      { username: cy, what: 'events, of which nothing is folded', expected: 1, found: null },
      expect.objectContaining({ username: cy, what: 'canonicalScore, of which nothing is stored', found: null }),
      { username: dee, what: 'events, of which nothing is folded', expected: 0, found: null },
      { username: dee, what: 'canonicalScore, of which nothing is stored', expected: 3, found: null },
    ]);
  });

  it('skips users with a score when it lists facts: they are checked through their scores, in another hour', async () => {
    const world = await healthy();
    rescored(world, { canonicalScore: 7 });
    world.places = { scores: [bob], others: [ada] };

    expect(await world.check()).toMatchObject({ checked: 1, ok: true });
  });

  it('finds a user who cannot be read, and checks everybody else', async () => {
    const world = await healthy();
    rescored(world, { canonicalScore: 7 });
    const broken = aUsername('broken');
    world.unreadable.add(broken);
    world.places = { scores: [broken, ada], others: [] };
    const report = await world.check();

    expect(report.differences.map(({ username, what }) => [username, what])).toEqual([
      [ada, 'canonicalScore'],
      [broken, 'readable'],
    ]);
    expect(world.failures).toContain(broken);
  });

  it('compares only the ledger if a score is of other rules and the hourly backfill has not refreshed it yet', async () => {
    const world = await healthy();
    rescored(world, { rulesVersion: 'another', canonicalScore: 7 });
    expect(await world.check()).toMatchObject({ checked: 2, ofOtherRules: 1, ok: true });

    world.ledger.balances.delete(ada);
    expect(await world.check()).toMatchObject({ different: 1, ofOtherRules: 1 });
  });
});

describe('a change in progress', () => {
  it('is not a difference: its refresh runs while the check waits', async () => {
    const world = await healthy();
    await world.send(ada, 'new');
    world.meanwhile = async () => {
      await world.refresh(ada, ['2026-08-23']);
    };

    expect(await world.check()).toMatchObject({ checked: 2, different: 0, unsettled: 0, ok: true });
  });

  const MINUTE_MS = 60_000;
  /** Checks while ada has an event without a refresh. Returns the minutes until it was found. */
  async function minutesUntilFound(world: World, meanwhile: (minutes: number) => Promise<void> | void) {
    await world.send(ada, `new-${world.time.now}`);
    const begun = world.time.now;
    const minutes = () => (world.time.now - begun) / MINUTE_MS;
    world.meanwhile = () => meanwhile(minutes());
    const { different } = await world.check();
    return different === 0 ? null : minutes();
  }

  it('is a difference after two minutes with empty queues and streams that are read in time', async () => {
    const minutes = await minutesUntilFound(await healthy(), () => undefined);

    expect(minutes).toBeGreaterThanOrEqual(2);
    expect(minutes).toBeLessThan(2.5);
  });

  it('is not a difference if it is folded within these two minutes', async () => {
    const world = await healthy();
    const mend = async (minutes: number) => {
      if (minutes > 1.7) await world.refresh(ada);
    };

    expect(await minutesUntilFound(world, mend)).toBeNull();
  });

  it.each<[string, (world: World, minutes: number) => void]>([
    ['a queue is not empty', (world) => (world.areQueuesEmpty = false)],
    ['a stream is read late', (world) => (world.lastLate = world.time.now)],
    [
      'a stream fails and is retried every minute',
      (world, minutes) => {
        world.lastLate = world.time.now - (minutes % 1) * MINUTE_MS;
      },
    ],
  ])('is not a difference for eight minutes while %s, but is one after that', async (_what, keepBusy) => {
    const world = await healthy();
    keepBusy(world, 0);
    const minutes = await minutesUntilFound(world, (now) => keepBusy(world, now));

    expect(minutes).toBeGreaterThanOrEqual(8);
    expect(minutes).toBeLessThan(8.5);
  });

  it.each<[string, (world: World, minutes: number) => void]>([
    ['the queues are empty', (world, minutes) => (world.areQueuesEmpty = minutes >= 2)],
    [
      'the streams are read in time',
      (world, minutes) => (world.lastLate = minutes < 2 ? world.time.now : world.lastLate),
    ],
    ['a message passed through the queue', (world, minutes) => (world.areQueuesEmpty = minutes < 1.5 || minutes > 2)],
  ])('is a difference two minutes after %s', async (_what, happens) => {
    const world = await healthy();
    happens(world, 0);
    const minutes = await minutesUntilFound(world, (now) => happens(world, now));

    expect(minutes).toBeGreaterThan(3.5);
    expect(minutes).toBeLessThan(5);
  });

  it('leaves a user unsettled whose data changes until the time limit, and still reports lasting differences', async () => {
    const world = await healthy();
    let sent = 0;
    world.meanwhile = () => world.send(ada, `new-${(sent += 1)}`);
    await world.send(ada, 'new');
    let waits = 0;
    const timeLeft = { toBegin: () => true, toWait: () => (waits += 1) < 18 };
    const report = await world.check({}, { timeLeft });
    expect(report).toMatchObject({ different: 0, unsettled: 1, ok: true });
    expect([waits, sent]).toEqual([18, 17]); // it stops waiting at the time limit

    tampered(world, () => ({ ownedDevices: 2 }));
    expect((await world.check()).differences).toEqual([
      { username: ada, what: 'owned devices', expected: 1, found: 2 },
    ]);
  });

  it('is a difference at once if the operator says that there is no traffic', async () => {
    const world = await healthy();
    await world.send(ada, 'new');
    const begun = world.time.now;

    let waits = 0;
    const timeLeft = { toBegin: () => true, toWait: () => (waits += 1) < 5 };
    const report = await world.check({ usernames: ['ada'], standingSeconds: 0 }, { timeLeft });

    expect(report).toMatchObject({ checked: 1, different: 1, unsettled: 0 });
    expect(world.time.now).toBe(begun);
  });
});

describe('who differs', () => {
  const wrong = async () => {
    const world = await healthy();
    rescored(world, { canonicalScore: 7 });
    return world;
  };

  it('is checked in every run besides the sample, until all its figures were found right', async () => {
    const world = await wrong();
    expect(await world.check()).toMatchObject({ different: 1, remembered: 1 });

    world.places = { scores: [bob], others: [] }; // the sample of another hour
    expect(await world.check()).toMatchObject({ checked: 2, different: 1, remembered: 1, ok: false });
    await world.refresh(ada);
    expect(await world.check()).toMatchObject({ checked: 2, different: 0, remembered: 0, ok: true });
    expect(await world.check()).toMatchObject({ checked: 1, remembered: 0 });
  });

  it('is not forgotten by a run without time, with a change in progress, or of the ledger only', async () => {
    const world = await wrong();
    await world.check();
    const timeLeft = { toBegin: () => true, toWait: () => false };
    expect(await world.check({}, { timeLeft })).toMatchObject({ different: 0, unsettled: 1, remembered: 1 });

    rescored(world, { rulesVersion: 'another' });
    expect(await world.check()).toMatchObject({ different: 0, ofOtherRules: 1, remembered: 1 });
    await world.check({ usernames: ['bob'] });
    expect([...world.remembered]).toEqual([ada]);
  });

  it('is forgotten after a run of named users finds them right', async () => {
    const world = await wrong();
    await world.check({ usernames: ['ada'] });
    expect([...world.remembered]).toEqual([ada]);

    await world.refresh(ada);
    expect(await world.check({ usernames: ['ada'] })).toMatchObject({ checked: 1, remembered: 0 });
  });

  it('is neither remembered nor forgotten if the operator sets how long a difference must last', async () => {
    const world = await wrong();
    expect(await world.check({ standingSeconds: 0 })).toMatchObject({ different: 1, remembered: null });
    expect(world.remembered.size).toBe(0);

    await world.check();
    await world.refresh(ada);
    expect(await world.check({ standingSeconds: 0 })).toMatchObject({ different: 0, remembered: null });
    expect([...world.remembered]).toEqual([ada]);
  });
});

describe('a check with many findings', () => {
  /** Users who cannot be read, in pages of 200. */
  const brokenOnes = (world: World, count: number) => {
    const users = Array.from({ length: count }, (_, index) => aUsername(`broken-${String(index).padStart(4, '0')}`));
    for (const user of users) world.unreadable.add(user);
    const place: UserPlace = {
      name: 'scores',
      isOfScores: true,
      parts: async () => 1,
      async page(_part, position) {
        const end = Number(position ?? 0) + 200;
        return { usernames: users.slice(end - 200, end), next: end < count ? String(end) : null };
      },
    };
    return [place];
  };

  it('keeps only as many suspects as it can check again, and returns where to continue', async () => {
    const world = new World();
    const report = await world.check({ sample: 'all', standingSeconds: 0 }, { places: brokenOnes(world, 1_000) });

    expect(report).toMatchObject({ checked: 600, different: 600, complete: false, next: expect.any(String) });
  });

  it('counts all users who differ, and lists the first hundred differences, in order', async () => {
    const world = new World();
    const report = await world.check({ standingSeconds: 0 }, { places: brokenOnes(world, 150) });

    expect(report.different).toBe(150);
    expect(report.differences.map(({ username }) => username)).toEqual(
      Array.from({ length: 100 }, (_, index) => `broken-${String(index).padStart(4, '0')}`),
    );
  });

  it('lists at most five differences per user, so that one user does not hide the others', async () => {
    const world = await healthy();
    const { open, sealed } = world.scores.metrics.get(ada)!.metrics;
    const spoiled = { open: new Map([...open.keys()].map((date) => [date, sealed])), ownedDevices: 9 };
    tampered(world, () => ({ ...spoiled, registry: aRegistryCount(3, 4) }));
    rescored(world, { canonicalScore: 7 });

    expect((await world.check()).differences).toHaveLength(5);
  });
});
