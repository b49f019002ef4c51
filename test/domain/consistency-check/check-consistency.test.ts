import { aRegistryCount } from '../../builders/registry.ts';
import { describe, expect, it } from 'vitest';
import type { UserPlace } from '../../../domain/consistency-check/user-places.port.ts';
import { aUsername } from '../scoring/model.ts';
import { ada, bob, healthy, rescored, tampered, World } from './world.ts';

describe('the consistency check', () => {
  it('finds nothing where all is as it should be, and does not wait for anything', async () => {
    const world = await healthy();
    const begun = world.time.now;

    expect(await world.check()).toEqual({
      sample: 'hour',
      checked: 2,
      different: 0,
      differences: [],
      unsettled: 0,
      ofOtherRules: 0,
      complete: true,
      next: null,
      ok: true,
    });
    expect(world.time.now).toBe(begun);
  });

  it('compares a stored score on its own date, however long ago that is', async () => {
    const world = await healthy();
    world.time.advanceDays(400);

    expect(await world.check()).toMatchObject({ checked: 2, ok: true });
  });

  it.each([
    [
      'an open day that lost an event',
      (world: World) => tampered(world, ({ open }) => ({ open: new Map([...open].slice(1)) })),
    ],
    [
      'a sealed sum that is not one',
      (world: World) => tampered(world, ({ open, sealed }) => ({ sealed: [...open.values()][0] ?? sealed })),
    ],
    ['a count of devices', (world: World) => tampered(world, () => ({ ownedDevices: 2 }))],
    ['a count of publishes', (world: World) => tampered(world, () => ({ registry: aRegistryCount(1) }))],
    ['a score', (world: World) => rescored(world, { canonicalScore: 7 })],
    ['a tier', (world: World) => rescored(world, { tier: 'Oak' })],
    ['a date of the next change', (world: World) => rescored(world, { nextChangeOn: null })],
    ['metrics that are gone', (world: World) => world.scores.metrics.delete(ada)],
    [
      'a balance',
      (world: World) => world.ledger.balances.set(ada, { ...world.ledger.balances.get(ada)!, totalScore: 99 }),
    ],
    ['a balance that is gone', (world: World) => world.ledger.balances.delete(ada)],
    ['a line that is gone', (world: World) => world.ledger.grants.delete('award:award-ada')],
    [
      'a line that was changed, its amount as well',
      (world: World) => {
        const stored = world.ledger.grants.get('award:award-ada')!;
        world.ledger.grants.set('award:award-ada', { ...stored, line: { ...stored.line, amount: 11 } });
      },
    ],
    [
      'an older line whose words were changed',
      async (world: World) => {
        await world.award(ada, 'newer');
        await world.refresh(ada);
        const stored = world.ledger.grants.get('award:award-ada')!;
        world.ledger.grants.set('award:award-ada', { ...stored, line: { ...stored.line, reason: 'another' } });
      },
    ],
    ['an event that no announcement told of', (world: World) => world.send(ada, 'untold')],
    ['an award that no announcement told of', (world: World) => world.award(ada, 'untold')],
  ] satisfies [string, (world: World) => unknown][])('finds %s', async (_what, spoil: (world: World) => unknown) => {
    const world = await healthy();
    await spoil(world);
    const report = await world.check();

    expect(report).toMatchObject({ checked: 2, different: 1, ok: false });
    expect(new Set(report.differences.map(({ username }) => username))).toEqual(new Set([ada]));
    expect(report.differences.length).toBeLessThanOrEqual(5);
  });

  it('says which figure differs, and what it should be', async () => {
    const world = await healthy();
    rescored(world, { canonicalScore: 7 });
    const expected = world.scores.scores.get(bob)!.score.canonicalScore;

    expect((await world.check()).differences).toEqual([{ username: ada, what: 'canonicalScore', expected, found: 7 }]);
  });

  it('does not blame the score for a balance that is wrong', async () => {
    const world = await healthy();
    world.ledger.balances.set(ada, { ...world.ledger.balances.get(ada)!, totalScore: 99 });

    expect((await world.check()).differences).toEqual([{ username: ada, what: 'balance', expected: 10, found: 99 }]);
  });

  it('finds whom no refresh has ever reached, by facts and by grants, and looks at nobody twice', async () => {
    const world = await healthy();
    const [cy, dee, eve] = [aUsername('cy'), aUsername('dee'), aUsername('eve')];
    await world.send(cy, 'one');
    await world.award(dee, 'one', 3);
    world.places = { scores: [ada, bob, ada], others: [ada, bob, cy, dee, eve, cy] };
    const report = await world.check();

    expect(report).toMatchObject({ checked: 4, different: 2 }); // of eve there is nothing to compare
    expect(report.differences).toEqual([
      { username: cy, what: 'events, of which nothing is folded', expected: 1, found: null },
      expect.objectContaining({ username: cy, what: 'canonicalScore, of which nothing is stored', found: null }),
      { username: dee, what: 'events, of which nothing is folded', expected: 0, found: null },
      { username: dee, what: 'canonicalScore, of which nothing is stored', expected: 3, found: null },
    ]);
  });

  it('passes over who has a score where facts name them: they are found by their score, in an hour of theirs', async () => {
    const world = await healthy();
    rescored(world, { canonicalScore: 7 });
    world.places = { scores: [bob], others: [ada] };

    expect(await world.check()).toMatchObject({ checked: 1, ok: true });
  });

  it('finds one who cannot be read, and everybody else as well', async () => {
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

  it('compares only the ledger of a score of other rules, which the hourly backfill has not come to yet', async () => {
    const world = await healthy();
    rescored(world, { rulesVersion: 'another', canonicalScore: 7 });
    expect(await world.check()).toMatchObject({ checked: 2, ofOtherRules: 1, ok: true });

    world.ledger.balances.delete(ada);
    expect(await world.check()).toMatchObject({ different: 1, ofOtherRules: 1 });
  });
});

describe('a change that is under way', () => {
  it('is no difference: its refresh comes while the check waits', async () => {
    const world = await healthy();
    await world.send(ada, 'new');
    world.meanwhile = async () => {
      await world.refresh(ada, ['2026-08-23']);
    };

    expect(await world.check()).toMatchObject({ checked: 2, different: 0, unsettled: 0, ok: true });
  });

  it('is none for eight minutes, as long as refreshes are queued', async () => {
    const world = await healthy();
    await world.send(ada, 'new');
    world.isQueueEmpty = false;
    const begun = world.time.now;
    world.meanwhile = async () => {
      if (world.time.now - begun > 7 * 60_000) await world.refresh(ada, ['2026-08-23']);
    };
    expect(await world.check()).toMatchObject({ different: 0, ok: true });

    await world.send(ada, 'newer');
    world.meanwhile = () => undefined;
    expect(await world.check()).toMatchObject({ different: 1, ok: false });
    expect(world.time.now - begun).toBeGreaterThan(15 * 60_000);
  });

  it('is one after half a minute only where the queue was empty all the while', async () => {
    const world = await healthy();
    await world.send(ada, 'new');
    const begun = world.time.now;
    world.isQueueEmpty = false;
    world.meanwhile = () => {
      world.isQueueEmpty = world.time.now - begun > 60_000;
    };
    expect(await world.check()).toMatchObject({ different: 1 });
    expect(world.time.now - begun).toBeGreaterThan(90_000);
    expect(world.time.now - begun).toBeLessThan(150_000);
  });

  it('has not stood while the queue was empty where a message was in it for a moment', async () => {
    const world = await healthy();
    await world.send(ada, 'new');
    const begun = world.time.now;
    world.meanwhile = () => {
      const since = world.time.now - begun;
      world.isQueueEmpty = since < 15_000 || since > 20_000;
    };

    expect(await world.check()).toMatchObject({ different: 1 });
    expect(world.time.now - begun).toBeGreaterThan(50_000);
  });

  it('leaves a user unsettled who changes as long as there is time, and reports what stands beside it', async () => {
    const world = await healthy();
    let sent = 0;
    world.meanwhile = () => world.send(ada, `new-${(sent += 1)}`);
    await world.send(ada, 'new');
    let waits = 0;
    const timeLeft = { toBegin: () => true, toWait: () => (waits += 1) < 12 };
    const report = await world.check({}, { timeLeft });
    expect(report).toMatchObject({ different: 0, unsettled: 1, ok: true });
    expect([waits, sent]).toEqual([12, 11]); // it waits no more once it may not

    tampered(world, () => ({ ownedDevices: 2 }));
    expect((await world.check()).differences).toEqual([
      { username: ada, what: 'owned devices', expected: 1, found: 2 },
    ]);
  });

  it('is a difference at once where the operator says that nobody is writing', async () => {
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

describe('a check that finds a lot', () => {
  /** Users none of whom can be read, in pages of 200. */
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

  it('keeps no more suspects than it can look at again, and says where to go on', async () => {
    const world = new World();
    const report = await world.check({ sample: 'all', standingSeconds: 0 }, { places: brokenOnes(world, 1_000) });

    expect(report).toMatchObject({ checked: 600, different: 600, complete: false, next: expect.any(String) });
  });

  it('counts all who differ, and names the first hundred differences, in order', async () => {
    const world = new World();
    const report = await world.check({ standingSeconds: 0 }, { places: brokenOnes(world, 150) });

    expect(report.different).toBe(150);
    expect(report.differences.map(({ username }) => username)).toEqual(
      Array.from({ length: 100 }, (_, index) => `broken-${String(index).padStart(4, '0')}`),
    );
  });

  it('names at most five differences of one user, so that one hides nobody else', async () => {
    const world = await healthy();
    const { open, sealed } = world.scores.metrics.get(ada)!.metrics;
    const spoiled = { open: new Map([...open.keys()].map((date) => [date, sealed])), ownedDevices: 9 };
    tampered(world, () => ({ ...spoiled, registry: aRegistryCount(3, 4) }));
    rescored(world, { canonicalScore: 7 });

    expect((await world.check()).differences).toHaveLength(5);
  });
});
