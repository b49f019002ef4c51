/**
 * A trial of rules equals what then happens: the accounts are refreshed by the tried rules, and have the scores, contributions,
 * tiers, past scores and ranks that the trial told. Seen to fail without each of `holdsRegistry`, `holdsReports`, `holdsActivity`
 * and `withNamesOf` in `domain/scoring/try-rules.ts`.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOARDS } from '../../../domain/leaderboards/board.ts';
import { comparePlaces, rowOn } from '../../../domain/leaderboards/row.ts';
import { tryRulesForAll } from '../../../domain/leaderboards/try-rules.ts';
import { rulebookOf } from '../../../domain/rules/current-rules.ts';
import { ScoringRules } from '../../../domain/rules/scoring-rules.ts';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import { tryRules } from '../../../domain/scoring/try-rules.ts';
import { dateOf, MILLISECONDS_PER_DAY as DAY } from '../../../domain/shared/utc.ts';
import { diskSorter } from '../../../functions/adapters/disk/external-sorter.ts';
import { aCommunity, type Json } from '../../builders/community.ts';
import { grantsOf } from '../../builders/memory-ledger.ts';
import { boardOf, rulesVersion1 } from '../../builders/rules.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, invocation, ScoresModel } from '../scoring/model.ts';

const NAMES = ['ada', 'bob', 'cyd', 'dan'].map((name) => aUsername(name));

/** Changes of version 1, each of another kind. */
const CHANGES: Readonly<Record<string, (rules: Json) => unknown>> = {
  nothing: () => {},
  'points of a group': (rules) => (rules.activity.groups[0].points = 30),
  'a command in another group': ({ activity }) => activity.groups[3].commands.push(activity.groups[0].commands.pop()),
  'a command that no group named': (rules) => rules.activity.groups[2].commands.push('zz'),
  'an event of the activity': (rules) => rules.activity.events.push({ event: 'query_run', command: { is: 'model' } }),
  'another streak and window': ({ activity }) => {
    activity.streak.maximum = 9_000;
    activity.window.days = 7;
  },
  'a higher cap of pulls': (rules) => (rules.pulls = { points: 7, cap: 1_400 }),
  'a lower cap of pulls': (rules) => (rules.pulls.cap = 50),
  'a lower cap of issues': (rules) => (rules.events[0].cap = 100),
  'a cap of issues per month': (rules) => Object.assign(rules.events[0], { cap: 100, capPer: 'month' }),
  'a cap of sign-ins per week': (rules) => Object.assign(rules.events[1], { cap: 20, capPer: 'week' }),
  'no points for issues': (rules) => rules.events.splice(0, 1),
  'lower tiers': (rules) => (rules.tiers[1].from = 50),
};
const changed = (change: string): ScoringRules => {
  const { rules } = aCommunity();
  CHANGES[change]!(rules);
  rules.version = '2';
  return ScoringRules.parse(rules);
};

const fact = fc.record({
  by: fc.constantFrom(...NAMES),
  kind: fc.constantFrom('model', 'zz', 'auth', '~zz', 'query', 'issue', 'sign-in', 'pull'),
  ago: fc.oneof(fc.nat(34), fc.nat(10), fc.constantFrom(0, 1, 40, 100)),
  count: fc.constantFrom(1, 3, 12),
});

class World {
  readonly facts = new FactsModel();
  readonly scores = new ScoresModel();
  readonly clock = new Clock();
  readonly pulls = new Map<string, { puller: string; on: string }[]>();
  inForce = rulesVersion1;
  readonly #grants = grantsOf();

  send({ by, kind, ago, count }: typeof fact extends fc.Arbitrary<infer Value> ? Value : never, id: number): void {
    const at = this.clock.now - ago * DAY;
    const isTooOld = ago > 35 && !['issue', 'sign-in', 'pull'].includes(kind);
    const times = kind === 'pull' ? 15 * count : count;
    for (let n = 0; n < times && !isTooOld; n += 1) {
      if (kind === 'issue' || kind === 'sign-in') this.facts.report(kind, by, at - n * DAY);
      else if (kind === 'pull') {
        this.pulls.set(by, [...(this.pulls.get(by) ?? []), { puller: `user:p${id}-${n}`, on: dateOf(at) }]);
      } else {
        const query = { event: 'query_run', command: null, success: true };
        const event = kind === 'query' ? query : invocation(kind.replace('~', ''));
        const sender = kind.startsWith('~') ? null : by;
        this.facts.owners.set(`${by}'s`, by);
        this.facts.send(`${by}'s`, at, anEvent(`${id} ${n}`, { kind: event, sender }));
      }
    }
  }

  deps(rules: ScoringRules) {
    const registry = {
      versionsOf: async function* () {},
      pullsOf: (username: string) => pagesOf(this.pulls.get(username) ?? []),
    };
    const deps = dependencies(this.facts, this.scores, this.clock, this.#grants, registry);
    return { ...deps, rules: rulebookOf([rulesVersion1, rules], rules.version) };
  }

  async refresh(rules: ScoringRules, days: readonly string[] | null): Promise<void> {
    for (const account of NAMES) await refreshScore(this.deps(rules), { username: account, days });
  }

  async *users() {
    for (const account of NAMES) {
      const stored = await this.scores.load(account);
      if (stored.metrics !== null) yield { username: account, stored };
    }
  }
}

async function* pagesOf<Row>(rows: readonly Row[]) {
  yield structuredClone(rows);
}

describe('a trial of rules', () => {
  it.each(Object.keys(CHANGES))('equals what then happens: %s', async (change) => {
    const candidate = changed(change);
    await fc.assert(
      fc.asyncProperty(fc.array(fact, { maxLength: 24 }), fc.constantFrom(0, 0, 3, 40), async (facts, later) => {
        const world = new World();
        for (const [id, each] of facts.entries()) world.send(each, id);
        await world.refresh(rulesVersion1, null);
        world.clock.advanceDays(later);
        if (later > 0) await world.refresh(rulesVersion1, []);

        const { rules: now, ...readers } = world.deps(rulesVersion1);
        const trials = new Map<string, Awaited<ReturnType<typeof tryRules>>>();
        for await (const user of world.users()) {
          trials.set(user.username, await tryRules(readers, user, { rules: now, candidate, at: world.clock.now }));
        }
        const whole = await tryRulesForAll(
          { users: world.users(), facts: readers, newSorter: diskSorter(), rules: now },
          candidate,
          world.clock.now,
        );

        await world.refresh(candidate, []);
        const after = [];
        for await (const { username, stored } of world.users()) {
          const { score } = stored.score!;
          const { then, now: before } = trials.get(username)!;
          const pointsOf = ({ contributions }: typeof score) => contributions.map(({ key, points }) => [key, points]);
          expect(pointsOf(then)).toEqual(pointsOf(score)); // a count above its cap may be cut elsewhere
          expect([then.canonicalScore, then.tier, then.steps]).toEqual([score.canonicalScore, score.tier, score.steps]);
          after.push({ score, before });
        }
        expect(whole.accounts).toBe(after.length);
        expect(whole.gain).toBe(
          after.filter(({ score, before }) => score.canonicalScore > before.canonicalScore).length,
        );
        expect(whole.lose).toBe(
          after.filter(({ score, before }) => score.canonicalScore < before.canonicalScore).length,
        );
        for (const board of BOARDS) {
          const rows = after
            .flatMap(
              ({ score }) =>
                rowOn(boardOf(board), score.date, { ...score, since: Date.parse(score.standingSince) }) ?? [],
            )
            .sort(comparePlaces);
          expect(whole.boards.find((each) => each.board === board)!.rows).toMatchObject(
            rows.map(({ username, points }, index) => ({ rank: index + 1, username, points })),
          );
        }
      }),
      { numRuns: 12 },
    );
  });

  it('tells the largest changes with their reasons, and who leaves which tier', async () => {
    const world = new World();
    world.send({ by: NAMES[0]!, kind: 'issue', ago: 0, count: 12 }, 1);
    world.send({ by: NAMES[1]!, kind: 'issue', ago: 0, count: 3 }, 2);
    await world.refresh(rulesVersion1, null);
    const { rules, ...facts } = world.deps(rulesVersion1);
    const { rules: json } = aCommunity();
    Object.assign(json, {
      version: '2',
      tiers: [
        { name: 'Low', from: 0 },
        { name: 'High', from: 150 },
      ],
    });
    json.events[0].points = 60;
    const inForce = {
      ...rules,
      inForce: {
        ...rules.inForce,
        tiers: [
          { name: 'Seedling', from: 0 },
          { name: 'Sprout', from: 500 },
        ],
      },
    };
    const trial = await tryRulesForAll(
      { users: world.users(), facts, newSorter: diskSorter(), rules: inForce },
      ScoringRules.parse(json),
      world.clock.now,
    );

    expect(trial).toMatchObject({
      accounts: 2,
      gain: 2,
      lose: 0,
      stay: 0,
      tierLosses: 1,
      rankChanges: 0,
      factsReadOf: 0,
    });
    expect(trial.largestGains).toEqual([
      { username: 'ada', from: 600, to: 720, reasons: [{ key: 'community:lab-issues', from: 600, to: 720 }] },
      { username: 'bob', from: 150, to: 180, reasons: [{ key: 'community:lab-issues', from: 150, to: 180 }] },
    ]);
    expect(trial.tiers).toEqual([
      { from: 'Sprout', to: 'High', accounts: 1, first: ['ada'] },
      { from: 'Seedling', to: 'High', accounts: 1, first: ['bob'] },
    ]);
  });
});
