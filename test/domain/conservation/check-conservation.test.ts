/**
 * Seen to fail when one of these guards was removed:
 * - Suspects: a difference must stand; one that is expected otherwise begins anew; the queue counts only while it is empty;
 * - checkConservation: those of scores are not looked at twice; one who cannot be read hides nobody else;
 * - walkUsers: another part each hour; a walk over all goes on where it stopped;
 * - lookAtUser: what is expected of a score comes from the lines, not from the balance.
 */
import { describe, expect, it } from 'vitest';
import { checkConservation, type ConservationDeps } from '../../../domain/conservation/check-conservation.ts';
import { readConservationEvent } from '../../../domain/conservation/conservation-event.ts';
import type { Part, UserPlace } from '../../../domain/conservation/user-places.port.ts';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import type { Username } from '../../../domain/identity/username.ts';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import type { StoredMetrics, StoredScore } from '../../../domain/scoring/score-store.port.ts';
import { MILLISECONDS_PER_DAY, MILLISECONDS_PER_HOUR } from '../../../domain/shared/utc.ts';
import { anAward } from '../../builders/grants.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, ScoresModel } from '../scoring/model.ts';

const [ada, bob] = [aUsername('ada'), aUsername('bob')];
const always = { toBegin: () => true, toWait: () => true };

/** A community in memory, whose time passes only while somebody sleeps. */
class World {
  readonly facts = new FactsModel();
  readonly scores = new ScoresModel();
  readonly ledger = new MemoryLedger();
  readonly time = new Clock();
  readonly failures: Username[] = [];
  readonly grants = grantsOf(this.ledger);
  /** Of the scores, and of facts and grants. */
  places: { scores: readonly Username[]; others: readonly Username[] } = { scores: [ada, bob], others: [] };
  isQueueEmpty = true;
  looks = 0;
  /** Runs whenever somebody sleeps. */
  meanwhile: () => Promise<void> | void = () => undefined;

  refresh = (username: Username, days: readonly string[] | null = null) =>
    refreshScore(dependencies(this.facts, this.scores, this.time, undefined, this.grants), { username, days });

  async send(username: Username, id: string, daysAgo = 0) {
    this.facts.send(
      `${username}-device`,
      this.time.now - daysAgo * MILLISECONDS_PER_DAY,
      anEvent(id, { sender: username }),
    );
  }

  async award(username: Username, id: string, points = 10) {
    await grantPoints(this.grants, [{ ...anAward(id, points), username }]);
  }

  deps(places?: readonly UserPlace[]): ConservationDeps {
    const place = (name: 'scores' | 'others'): UserPlace => ({
      name,
      isOfScores: name === 'scores',
      parts: async () => 1,
      page: async () => ({ usernames: this.places[name], next: null }),
    });
    const { telemetry, reports, registry, clock, sha256 } = dependencies(this.facts, this.scores, this.time);
    const scores = {
      load: async (username: Username) => {
        this.looks += 1;
        return this.scores.load(username);
      },
    };
    return {
      ...{ telemetry, reports, registry, scores, clock, sha256 },
      ledger: { lines: this.ledger, random: () => 0.5, sleep: async () => undefined },
      places: places ?? [place('scores'), place('others'), place('others')],
      isQueueEmpty: async () => this.isQueueEmpty,
      reportFailure: (username) => this.failures.push(username),
      sleep: async (milliseconds) => {
        this.time.now += milliseconds;
        await this.meanwhile();
      },
    };
  }

  async check(event: object = {}, { timeLeft = always, places = undefined as readonly UserPlace[] | undefined } = {}) {
    const request = readConservationEvent(event);
    if (!request.ok) throw new Error(request.error);
    const report = await checkConservation(this.deps(places), request.value, timeLeft);
    if (!report.ok) throw new Error(report.error);
    return report.value;
  }
}

/** Two users who are as they should be: each with days sealed and open, and an award. */
async function healthy(): Promise<World> {
  const world = new World();
  for (const username of [ada, bob]) {
    for (const daysAgo of [0, 1, 35]) await world.send(username, `event-${daysAgo}`, daysAgo);
    await world.award(username, `award-${username}`);
    await world.refresh(username);
  }
  world.time.advanceDays(2);
  for (const username of [ada, bob]) {
    await world.send(username, 'later');
    await world.refresh(username, ['2026-08-23']); // seals the oldest day
  }
  return world;
}

const tampered = (world: World, change: (stored: StoredMetrics['metrics']) => Partial<StoredMetrics['metrics']>) => {
  const stored = world.scores.metrics.get(ada)!;
  world.scores.metrics.set(ada, { ...stored, metrics: { ...stored.metrics, ...change(stored.metrics) } });
};
const rescored = (world: World, change: Partial<StoredScore['score']>) => {
  const stored = world.scores.scores.get(ada)!;
  world.scores.scores.set(ada, { ...stored, score: { ...stored.score, ...change } });
};

describe('the check of conservation', () => {
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
    ['a count of publishes', (world: World) => tampered(world, () => ({ registry: { publishes: 1, pulls: 0 } }))],
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
    world.scores.metrics.set(broken, { revision: 1 } as StoredMetrics);
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

  it('leaves a user unsettled who changes as long as there is time, and reports what stands beside it', async () => {
    const world = await healthy();
    let sent = 0;
    world.meanwhile = () => world.send(ada, `new-${(sent += 1)}`);
    await world.send(ada, 'new');
    let waits = 0;
    const timeLeft = { toBegin: () => true, toWait: () => (waits += 1) < 12 };
    const report = await world.check({}, { timeLeft });
    expect(report).toMatchObject({ different: 0, unsettled: 1, ok: true });

    tampered(world, () => ({ ownedDevices: 2 }));
    expect((await world.check()).differences).toEqual([
      { username: ada, what: 'owned devices', expected: 1, found: 2 },
    ]);
  });

  it('is a difference at once where the operator says that nobody is writing', async () => {
    const world = await healthy();
    await world.send(ada, 'new');
    const begun = world.time.now;

    expect(await world.check({ usernames: ['ada'], standingSeconds: 0 })).toMatchObject({ checked: 1, different: 1 });
    expect(world.time.now).toBe(begun);
  });
});

describe('whom the check looks at', () => {
  /** A place of ten users in pages of two, the parts of which are every so-manieth. */
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

  it('is another part each hour, and everybody over as many hours as there are parts', async () => {
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

  it('is everybody where that is asked for, in as many invocations as it takes', async () => {
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

  it('is no more of an hour than there is time for, and says so', async () => {
    const world = new World();
    const asked: string[] = [];
    const timeLeft = { toBegin: () => asked.length < 4, toWait: () => true };
    const report = await world.check({}, { places: [inPages('scores', asked, 1)], timeLeft });

    expect(report).toMatchObject({ complete: false, next: null });
    expect(asked).toHaveLength(4);
  });
});

describe('an event of the check', () => {
  it.each([
    [{}, { of: { sample: 'hour' }, standingMs: null }],
    [{ sample: 'all' }, { of: { sample: 'all', from: null }, standingMs: null }],
    [
      { usernames: ['Bob', 'ada', 'bob'], standingSeconds: 5 },
      { of: { sample: 'named', usernames: [ada, bob] }, standingMs: 5_000 },
    ],
  ])('%j is read', (event, request) => {
    expect(readConservationEvent(event)).toEqual({ ok: true, value: request });
  });

  it.each([
    [null, /^event: /u],
    [[], /^event: /u],
    [{ sample: 'some' }, /^sample: expected hour or all$/u],
    [{ usernames: [] }, /^usernames: /u],
    [{ usernames: ['no name'] }, /^usernames\.0: /u],
    [{ usernames: ['ada'], sample: 'all' }, /^usernames: /u],
    [{ from: '{}' }, /^from: /u],
    [{ standingSeconds: 481 }, /^standingSeconds: /u],
    [{ standingSeconds: 0.5 }, /^standingSeconds: /u],
    [{ mode: 'all' }, /^mode: /u],
  ])('%j is refused with a sentence that names the field', (event, sentence) => {
    expect(readConservationEvent(event)).toMatchObject({ ok: false, error: expect.stringMatching(sentence) });
  });

  it.each([['nonsense'], ['{}'], ['{"place":"nowhere","position":null}']])('from %s is refused', async (from) => {
    await expect(new World().check({ sample: 'all', from })).rejects.toThrow(/^from: /u);
  });
});
