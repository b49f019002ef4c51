import { checkConsistency, type ConsistencyDeps } from '../../../domain/consistency-check/check-consistency.ts';
import { readConsistencyEvent, type ConsistencyRequest } from '../../../domain/consistency-check/consistency-event.ts';
import type { UserPlace } from '../../../domain/consistency-check/user-places.port.ts';
import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { AccountId } from '../../../domain/identity/account.ts';
import type { Username as PublicName } from '../../../domain/identity/username.ts';
import { refreshScore } from '../../../domain/scoring/refresh-score.ts';
import type { StoredMetrics, StoredScore } from '../../../domain/scoring/score-store.port.ts';
import { MILLISECONDS_PER_DAY } from '../../../domain/shared/utc.ts';
import { anAward } from '../../builders/grants.ts';
import { sha256 } from '../../builders/identity.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';
import { anEvent, aUsername, Clock, dependencies, FactsModel, ScoresModel } from '../scoring/model.ts';

export const [ada, bob] = [aUsername('ada'), aUsername('bob')];
const always = { toBegin: () => true, toWait: () => true };

/** A community in memory. Its time passes only during a sleep. */
export class World {
  readonly facts = new FactsModel();
  readonly scores = new ScoresModel();
  readonly ledger = new MemoryLedger();
  readonly time = new Clock();
  readonly failures: AccountId[] = [];
  readonly grants = grantsOf(this.ledger);
  /** The places of scores, and of facts and grants. */
  places: { scores: readonly AccountId[]; others: readonly AccountId[] } = { scores: [ada, bob], others: [] };
  readonly unreadable = new Set<AccountId>();
  areQueuesEmpty = true;
  lastLate: number | null = null;
  /** The users with differences that the check stored. */
  readonly remembered = new Set<AccountId>();
  /** Called at each sleep. */
  meanwhile: () => Promise<void> | void = () => undefined;

  refresh = (account: AccountId, days: readonly string[] | null = null) =>
    refreshScore(dependencies(this.facts, this.scores, this.time, this.grants), { username: account, days });

  async send(account: AccountId, id: string, daysAgo = 0) {
    this.facts.send(
      `${account}-device`,
      this.time.now - daysAgo * MILLISECONDS_PER_DAY,
      anEvent(id, { sender: account }),
    );
  }

  async award(account: AccountId, id: string, points = 10) {
    await grantPoints(this.grants, [{ ...anAward(id, points), username: account }]);
  }

  deps(places?: readonly UserPlace[]): ConsistencyDeps {
    const place = (name: 'scores' | 'others'): UserPlace => ({
      name,
      isOfScores: name === 'scores',
      parts: async () => 1,
      page: async () => ({ usernames: this.places[name], next: null }),
    });
    const { telemetry, registry, clock } = dependencies(this.facts, this.scores, this.time);
    const scores = {
      load: async (account: AccountId) => {
        if (this.unreadable.has(account)) throw new Error('no score');
        return this.scores.load(account);
      },
    };
    return {
      ...{ telemetry, registry, scores, clock, sha256 },
      ledger: { lines: this.ledger, random: () => 0.5, sleep: async () => undefined },
      places: places ?? [place('scores'), place('others'), place('others')],
      areQueuesEmpty: async () => this.areQueuesEmpty,
      notes: {
        lastLate: async () => this.lastLate,
        differing: async () => [...this.remembered].sort(),
        remember: async ({ found, right }) => {
          for (const account of right) this.remembered.delete(account);
          for (const account of found) this.remembered.add(account);
          return this.remembered.size;
        },
      },
      reportFailure: (account) => this.failures.push(account),
      sleep: async (milliseconds) => {
        this.time.now += milliseconds;
        await this.meanwhile();
      },
    };
  }

  async check(event: object = {}, { timeLeft = always, places = undefined as readonly UserPlace[] | undefined } = {}) {
    const request = readConsistencyEvent(event);
    if (!request.ok) throw new Error(request.error);
    const report = await checkConsistency(this.deps(places), byAccounts(request.value), timeLeft);
    if (!report.ok) throw new Error(report.error);
    return report.value;
  }
}

/** Two users without differences, each with sealed and open days and an award. */
export async function healthy(): Promise<World> {
  const world = new World();
  for (const account of [ada, bob]) {
    for (const daysAgo of [0, 1, 35]) await world.send(account, `event-${daysAgo}`, daysAgo);
    await world.award(account, `award-${account}`);
    await world.refresh(account);
  }
  world.time.advanceDays(2);
  for (const account of [ada, bob]) {
    await world.send(account, 'later');
    await world.refresh(account, ['2026-08-23']); // seals the oldest day
  }
  return world;
}

/** Changes ada's stored metrics without an announcement. */
export const tampered = (
  world: World,
  change: (stored: StoredMetrics['metrics']) => Partial<StoredMetrics['metrics']>,
) => {
  const stored = world.scores.metrics.get(ada)!;
  world.scores.metrics.set(ada, { ...stored, metrics: { ...stored.metrics, ...change(stored.metrics) } });
};
/** Changes her stored score. */
export const rescored = (world: World, change: Partial<StoredScore['score']>) => {
  const stored = world.scores.scores.get(ada)!;
  world.scores.scores.set(ada, { ...stored, score: { ...stored.score, ...change } });
};

/** Accounts whose ids are their names. */
const byAccounts = ({ of, ...request }: ConsistencyRequest<PublicName>): ConsistencyRequest =>
  of.sample === 'named'
    ? { ...request, of: { ...of, usernames: of.usernames.map((name) => AccountId.parse(name)) } }
    : { ...request, of };
