/**
 * Pages show every account under its present name, although names are stored with the rows: whatever accounts do between
 * the build and the read. A comment beside the property names guards whose removal it noticed.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { AccountId } from '../../domain/identity/account.ts';
import { ERASED, Username } from '../../domain/identity/username.ts';
import { buildBoards } from '../../domain/leaderboards/build-boards.ts';
import { pageOf, type PageQuery } from '../../domain/leaderboards/read-boards.ts';
import { LOOKED_UP, namesOfList, namesOnPage } from '../../domain/leaderboards/row-names.ts';
import type { KnownNames } from '../../domain/leaderboards/snapshot.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { aStanding, LeaderboardWorld } from '../builders/memory-leaderboards.ts';
import { PATIENCE, runs } from './telemetry-world.ts';

vi.setConfig({ testTimeout: PATIENCE });

const CACHED_MS = 6_000;
const layout = { leaf: { most: 60, filled: 40, fewest: 10, average: 20 }, bucket: 50, changes: 4 };
const idOf = (n: number) => AccountId.parse(`a${n}`);
const peopleOf = (count: number) => Array.from({ length: count }, (_, n) => aStanding(idOf(n), 10_000 - n));

class NamesWorld extends LeaderboardWorld {
  /** One reader for all pages, because it keeps them. */
  readonly reader = this.read;
  #names = 0;
  #change(id: AccountId, change: object): void {
    this.accountsKnown.set(id, { ...this.accountsKnown.get(id), ...change });
    this.changedAt.set(id, isoOf(this.now));
  }
  isErased = (id: AccountId): boolean => this.accountsKnown.get(id)?.erasedAt !== undefined;
  isOwn = (id: AccountId): boolean => !this.isErased(id) && this.accountsKnown.get(id)?.mergedInto === undefined;

  rename(id: AccountId): void {
    if (!this.isErased(id)) this.#change(id, { username: Username.parse(`name-${(this.#names += 1)}`) });
  }
  merge(id: AccountId, into: AccountId): void {
    if (id !== into && this.isOwn(id) && this.isOwn(into)) this.#change(id, { mergedInto: into });
  }
  unmerge(id: AccountId): void {
    if (this.accountsKnown.get(id)?.mergedInto !== undefined) this.#change(id, { mergedInto: undefined });
  }
  erase(id: AccountId): void {
    if (this.isOwn(id)) this.#change(id, { username: ERASED, erasedAt: isoOf(this.now) });
  }
  choose(id: AccountId, isHidden: boolean): void {
    this.choices.set(id, { at: isoOf(this.now), isHidden });
    if (isHidden) this.hidden.add(id);
    else this.hidden.delete(id);
  }
  /** Scores move, so rows change their leaves. */
  move(id: AccountId, points: number): void {
    this.people = this.people.map((each) => (each.username === id ? { ...each, canonicalScore: points } : each));
  }
  nameOf(id: AccountId): string {
    const { mergedInto, username = id } = this.accountsKnown.get(id) ?? {};
    return mergedInto === undefined ? username : this.nameOf(mergedInto);
  }
  /** How many accounts a look-up of a name reads: the account, the one that it is part of, and so on. */
  lengthOf(id: AccountId): number {
    const { mergedInto } = this.accountsKnown.get(id) ?? {};
    return mergedInto === undefined ? 1 : 1 + this.lengthOf(mergedInto);
  }

  /** All rows that pages show, with the most look-ups that one page took. */
  async shown(query: Partial<PageQuery> = {}): Promise<{ names: string[]; most: number }> {
    const names: string[] = [];
    let most = 0;
    for (let cursor: string | undefined; ;) {
      this.now += CACHED_MS;
      this.lookUps = 0;
      const page = await pageOf(this.reader, 'alltime', { limit: 1_000, ...query, cursor });
      if (!page.ok) throw new Error(page.error);
      names.push(...page.value.rows.map(({ username }) => username));
      most = Math.max(most, this.lookUps);
      cursor = page.value.next;
      if (cursor === undefined) return { names, most };
    }
  }
  /** The same from the stored rows. */
  expected(at: string): string[] {
    const { snapshot } = this.store.kept.get(`alltime ${at}`)!;
    return this.store
      .rowsOf(snapshot)
      .map(({ username }) => AccountId.parse(username))
      .filter((id) => !this.hidden.has(id))
      .map((id) => this.nameOf(id))
      .filter((name) => name !== ERASED);
  }
}

const person = fc.integer({ min: 0, max: 99 });
/** How many changes readers read: few, so that some acts make more changes than that, or all. */
const mostTold = fc.constantFrom(3, 10, 1_000);
const act = fc.oneof(
  fc.record({ kind: fc.constantFrom('rename', 'erase', 'unmerge', 'hide', 'show'), who: person }),
  fc.record({ kind: fc.constant('merge'), who: person, into: person }),
  fc.record({ kind: fc.constant('move'), who: person, points: fc.integer({ min: 1, max: 20_000 }) }),
  fc.record({ kind: fc.constant('build'), days: fc.constantFrom(0, 0, 1) }),
);

describe('names on pages', () => {
  // Noticed: stored names without the changes since; changes since the end of a build; a merged account's name stored;
  // names kept although changed when a leaf is stored again; erased rows shown; who hid since shown, who shows themselves
  // again still hidden; a page without changes to read shown without a look at who is hidden; and a page kept although
  // accounts changed.
  it('are the present ones, on the newest board and on past ones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 40 }), mostTold, async (acts, most) => {
        const world = new NamesWorld(peopleOf(100), layout);
        world.mostTold = most;
        await buildBoards(world.build);
        const first = isoOf(world.now);
        for (const each of acts) {
          world.now += 1_000;
          if ('days' in each) {
            world.now += each.days * 86_400_000;
            await buildBoards(world.build);
          } else if ('points' in each) world.move(idOf(each.who), each.points);
          else if ('into' in each) world.merge(idOf(each.who), idOf(each.into));
          else if (each.kind === 'rename') world.rename(idOf(each.who));
          else if (each.kind === 'erase') world.erase(idOf(each.who));
          else if (each.kind === 'unmerge') world.unmerge(idOf(each.who));
          else world.choose(idOf(each.who), each.kind === 'hide');
          await pageOf(world.reader, 'alltime', { limit: 1_000 });
        }
        const newest = world.store.pointers.get('alltime')!.asOf;
        expect((await world.shown()).names).toEqual(world.expected(newest));
        expect((await world.shown({ at: first })).names).toEqual(world.expected(first));
      }),
      { numRuns: runs(60) },
    );
  });
});

describe('names on a page of a list', () => {
  // Noticed: stored names without the changes since; the name of a merged account stored without the account that has it;
  // stored names shown although more accounts changed than a page reads; all names of a list without names looked up.
  it('are the present ones or ids, and only the present ones on a short page, whatever changes between two roll-ups', async () => {
    const ids = Array.from({ length: 30 }, (_, n) => idOf(n));
    const round = fc.record({ acts: fc.array(act, { maxLength: 8 }), isOfOlderRelease: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(round, { maxLength: 4 }), mostTold, async (rounds, most) => {
        const world = new NamesWorld();
        world.mostTold = most;
        let known: KnownNames | null = null;
        for (const { acts, isOfOlderRelease } of rounds) {
          known = isOfOlderRelease ? null : await namesOfList(world.accounts, world.now, ids, known);
          for (const each of acts) {
            world.now += CACHED_MS;
            const who = idOf('who' in each ? each.who % 30 : 0);
            if ('into' in each) world.merge(who, idOf(each.into % 30));
            else if (each.kind === 'rename') world.rename(who);
            else if (each.kind === 'erase') world.erase(who);
            else if (each.kind === 'unmerge') world.unmerge(who);
          }
          for (const [rows, mostLookUps] of [
            [30, 100],
            [2_000, known === null ? 39 : 7],
          ] as const) {
            world.lookUps = 0;
            const nameOf = await namesOnPage(world.read.names, known, { accounts: ids, rows });
            // A look-up counts as two reads: the account, and the one that it is part of.
            const longest = Math.max(2, ...ids.map((id) => world.lengthOf(id)));
            expect(world.lookUps).toBeLessThanOrEqual((mostLookUps * longest) / 2);
            const named = rows === 30 ? ids : ids.filter((id) => nameOf(id) !== id);
            expect(named.map(nameOf)).toEqual(named.map((id) => world.nameOf(id)));
          }
        }
      }),
      { numRuns: runs(60) },
    );
  });

  it('are ids after more changes than a long page reads, and beyond the first rows of a list of an older release', async () => {
    const world = new NamesWorld();
    const ids = Array.from({ length: 400 }, (_, n) => idOf(n));
    const known = await namesOfList(world.accounts, world.now, ids, null);
    world.now += 3_600_000;
    const namedOf = async (list: KnownNames | null, rows: number) => {
      const nameOf = await namesOnPage(world.read.names, list, { accounts: ids.slice(0, rows), rows });
      return ids.filter((id) => nameOf(id) !== id).length;
    };
    for (const id of ids.slice(0, 300)) world.rename(id);
    expect(await namedOf(known, 400)).toBe(300); // the others are shown by their ids
    for (const id of ids.slice(300)) world.rename(id);
    expect([await namedOf(known, 30), await namedOf(known, 400)]).toEqual([30, 28]);
    expect([await namedOf(null, 50), await namedOf(null, 400)]).toEqual([50, 44]);
  });
});

describe('a page of 1,000 rows', () => {
  it('looks up nobody, then only those who were merged, and ends where it would look up too many', async () => {
    const world = new NamesWorld(peopleOf(1_000));
    await buildBoards(world.build);
    const first = isoOf(world.now);
    expect(await world.shown()).toEqual({ names: peopleOf(1_000).map(({ username }) => username), most: 0 });

    for (let n = 0; n < 500; n += 1) world.rename(idOf(n));
    for (let n = 0; n < 7; n += 1) world.merge(idOf(n), idOf(n + 500));
    world.now += 1_000;
    const renamed = await world.shown();
    expect(renamed).toMatchObject({ most: 14, names: { length: 1_000 } }); // the merged ones, and the names of the others
    expect(renamed.names.slice(6, 8)).toEqual(['a506', 'name-8']);

    world.tellsNames = false;
    const many = await world.shown();
    expect(many.names).toHaveLength(1_000);
    expect(many.most).toBeLessThanOrEqual(LOOKED_UP);
    expect(many.names).toEqual(world.expected(first));

    world.now += 3_600_000;
    world.people = [...peopleOf(1_025)];
    await buildBoards(world.build);
    expect((await world.shown()).most).toBe(14); // stored again, because too many rows had no name; but for merged ones
  });

  it('ends before a leaf that is too much to read', async () => {
    const leaf = { most: 4_000, filled: 3_000, fewest: 500, average: 1_000 };
    const world = new NamesWorld(peopleOf(4_500), { leaf, bucket: 1_000, changes: 4 });
    await buildBoards(world.build);
    const sizes: number[] = [];
    const ranks: number[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await pageOf(world.read, 'alltime', { limit: 900, cursor });
      if (!page.ok) throw new Error(page.error);
      sizes.push(page.value.rows.length);
      ranks.push(...page.value.rows.map(({ rank }) => rank));
      cursor = page.value.next;
      if (cursor === undefined) break;
    }
    expect(sizes).toEqual([900, 900, 450, 900, 900, 450]); // two leaves of 2,250 rows
    expect(ranks).toEqual(Array.from({ length: 4_500 }, (_, index) => index + 1));
  });

  it('lists hidden users on the newest board, so that a past one need not ask for each', async () => {
    const world = new NamesWorld(peopleOf(1_000));
    await buildBoards(world.build);
    const first = isoOf(world.now);
    world.now += 60_000;
    world.hidden.add(idOf(0));
    await buildBoards(world.build);

    const page = await pageOf(
      { ...world.read, profiles: { hiddenAmong: () => Promise.reject(new Error('each is asked for')) } },
      'alltime',
      { limit: 1_000, at: first },
    );
    expect(page.ok && page.value.rows.length).toBe(999);
  });
});
