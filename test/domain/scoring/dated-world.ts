import { grantPoints } from '../../../domain/grants/grant-points.ts';
import { rowOn } from '../../../domain/leaderboards/row.ts';
import { rulebookOf } from '../../../domain/rules/current-rules.ts';
import { ScoringRules } from '../../../domain/rules/scoring-rules.ts';
import { refreshScore, type Refresh } from '../../../domain/scoring/refresh-score.ts';
import { addDays, dateOf, hourOf, MILLISECONDS_PER_DAY as DAY } from '../../../domain/shared/utc.ts';
import {
  activityOn,
  linesOn,
  pointsOn,
  VERSION_1,
  type DatedFacts,
  type Numbers,
} from '../../../proof/model/scoring.ts';
import { grantsOf, MemoryLedger } from '../../builders/memory-ledger.ts';
import { boardOf, rulesVersion1 } from '../../builders/rules.ts';
import { aUsername, Clock, dependencies, FactsModel, ScoresModel } from './model.ts';

export const ada = aUsername('ada');
const OPEN_DATES = 35;
const KNOWN_DATES = 91;

/** Three versions of the rules, each for the code and for the model. The second gives more points, the third fewer. */
const version = (
  number: string,
  factor: number,
  publish: number,
  versions: number,
): { rules: ScoringRules; numbers: Numbers } => {
  const { activity, ...others } = rulesVersion1;
  const groups = activity.groups.map((group) => ({ ...group, points: group.points * factor }));
  const scaled = { points: publish, cap: versions * publish };
  return {
    rules: ScoringRules.parse({ ...others, version: number, activity: { ...activity, groups }, publishes: scaled }),
    numbers: {
      ...VERSION_1,
      groups: VERSION_1.groups.map(([commands, points, cap]) => [commands, points * factor, cap]),
      publishes: [scaled.points, scaled.cap],
    },
  };
};
const VERSIONS = [version('1', 1, 500, 10), version('2', 3, 700, 20), version('3', 0, 100, 10)] as const;

type Version = { publishedOn: string; yankedOn: string | null };

/** The facts of one account, its refreshes, and its score, in memory. */
export class World {
  readonly facts = new FactsModel();
  readonly scores = new ScoresModel();
  readonly ledger = new MemoryLedger();
  readonly clock = new Clock();
  readonly versions: Version[] = [];
  readonly pulls: { puller: string; on: string }[] = [];
  inForce = 0;
  /** Refreshes that are due. */
  due: Refresh[] = [];
  #isFoldedFromNothing = false;
  readonly #deps = {
    ...dependencies(this.facts, this.scores, this.clock, grantsOf(this.ledger), {
      versionsOf: () => this.#pages(this.versions),
      pullsOf: () => this.#pages(this.pulls),
    }),
    telemetry: this.facts.with({
      hoursOf: (device, dates) => {
        this.#isFoldedFromNothing ||= dates === undefined;
        return this.facts.hoursOf(device, dates);
      },
    }),
  };

  async *#pages<Row>(rows: readonly Row[]) {
    yield structuredClone(rows);
  }

  get today(): string {
    return dateOf(this.clock.now);
  }

  daysAgo(days: number): number {
    return this.clock.now - days * DAY;
  }

  /** Collects the announcements of facts. Other changes announce only themselves. */
  collect(): void {
    const announced = this.facts.announcements.splice(0).filter(({ username }) => username === ada);
    this.due.push(...announced);
  }

  async refresh(refresh: Omit<Refresh, 'username'> = { days: [] }): Promise<void> {
    const rules = rulebookOf(
      VERSIONS.map((each) => each.rules),
      VERSIONS[this.inForce]!.rules.version,
    );
    await refreshScore({ ...this.#deps, rules }, { ...refresh, username: ada });
  }

  async grant(...requests: Parameters<typeof grantPoints>[1]): Promise<void> {
    await grantPoints(grantsOf(this.ledger), requests);
    this.due.push({ username: ada, days: [] });
  }

  score() {
    return this.scores.scores.get(ada)?.score;
  }

  wasFoldedFromNothing(): boolean {
    const was = this.#isFoldedFromNothing;
    this.#isFoldedFromNothing = false;
    return was;
  }

  /** All facts that count, each kind in one flat list. */
  dated(): DatedFacts {
    const mine = this.facts.sent.filter(({ deviceId, event }) =>
      event.sender === null ? this.facts.owners.get(deviceId) === ada : event.sender === ada,
    );
    const standing = [...Map.groupBy(mine, ({ at, event }) => `${hourOf(at)} ${event.id}`).values()].map((copies) => {
      const keyed = copies.filter(({ event }) => event.sender !== null);
      return [...(keyed.length > 0 ? keyed : copies)].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))[0]!;
    });
    const lines = [...this.ledger.grants.values()].map(({ line }) => line);
    const dateOfLine = (grantId: string) => this.ledger.grants.get(grantId)!.line.grantedAt.slice(0, 10);
    return {
      events: standing.map(({ at, event: { kind } }) => ({
        date: dateOf(at),
        command: kind.success ? kind.command : null,
        isActive: kind.command !== null,
      })),
      issues: this.facts.issues.map(({ at }) => dateOf(at)),
      signIns: [...this.facts.signIns.values()].map(({ at }) => dateOf(at)),
      versions: this.versions.map(({ publishedOn, yankedOn }) => ({ published: publishedOn, yanked: yankedOn })),
      pulls: this.pulls.filter(({ puller }) => puller !== 'user:ada').map(({ on }) => on),
      lines: lines
        .filter(({ grantId }) => !grantId.includes('badge:'))
        .map(({ grantId, amount }) => {
          const own = dateOfLine(grantId);
          const reversed = grantId.startsWith('reversal:') ? dateOfLine(grantId.slice('reversal:'.length)) : own;
          return { date: reversed > own ? reversed : own, amount };
        }),
    };
  }
}

/** The row of a board that a score gives on a date. */
export const rowOf = (
  { canonicalScore, tier, steps }: Pick<Parameters<typeof rowOn>[2], 'canonicalScore' | 'tier' | 'steps'>,
  board: string,
  date: string,
) => rowOn(boardOf(board), date, { username: ada, canonicalScore, tier, rulesVersion: '', since: 0, steps });

/** The expected score of each date. It is exact, except for telemetry of dates that were sealed under other rules. */
export class Expected {
  readonly #sealed = new Map<string, number>();
  /** The last values of dates that left the score. */
  readonly #left = new Map<string, number>();
  #values = new Map<string, number>();
  #foldedOn: string | null = null;
  #by = 0;

  /** Call after all due refreshes. */
  settle(world: World): void {
    const { today, inForce } = world;
    const facts = world.dated();
    const { numbers } = VERSIONS[inForce]!;
    const sealedBefore = this.#foldedOn === null ? '' : addDays(this.#foldedOn, -OPEN_DATES - 1);
    if (world.wasFoldedFromNothing() || this.#foldedOn === null) this.#sealed.clear();
    else if (this.#by !== inForce) {
      const oldest = addDays(sealedBefore, 1);
      const change = activityOn(oldest, facts, numbers) - activityOn(oldest, facts, VERSIONS[this.#by]!.numbers);
      for (const [date, points] of this.#sealed)
        this.#sealed.set(date, points === 0 ? 0 : Math.max(0, points + change));
    }
    for (const [date, value] of this.#values) this.#left.set(date, value);
    this.#values = new Map();
    const since = this.#foldedOn === null ? 0 : (Date.parse(today) - Date.parse(this.#foldedOn)) / DAY;
    for (let ago = Math.max(KNOWN_DATES, since - 1); ago >= 0; ago -= 1) {
      const date = addDays(today, -ago);
      if (ago > OPEN_DATES && !this.#sealed.has(date)) this.#sealed.set(date, activityOn(date, facts, numbers));
      const activity = ago > OPEN_DATES ? this.#sealed.get(date)! : activityOn(date, facts, numbers);
      const { 'telemetry:activity': _, ...others } = pointsOn(date, facts, numbers);
      const rest = Object.values(others).reduce((sum, points) => sum + points, linesOn(date, facts));
      this.#values.set(date, activity + rest);
    }
    this.#foldedOn = today;
    this.#by = inForce;
  }

  on(date: string): number {
    return this.#values.get(date) ?? this.#left.get(date) ?? 0;
  }

  /** Every date that was ever in a score. */
  dates(): readonly string[] {
    return [...new Set([...this.#left.keys(), ...this.#values.keys()])];
  }
}
