import type { AccountId } from '../identity/account.ts';
import type { BoardRules } from '../rules/community.ts';
import type { Rulebook } from '../rules/current-rules.ts';
import type { ScoringRules, Tier } from '../rules/scoring-rules.ts';
import type { UserScore } from '../scoring/score.ts';
import type { StoredUser } from '../scoring/score-store.port.ts';
import { tryRules, type FactReaders, type Trial } from '../scoring/try-rules.ts';
import { isKnown } from '../scoring/user-metrics.ts';
import { settleAll } from '../shared/settle-all.ts';
import { dateOf, isoOf, type UtcDate } from '../shared/utc.ts';
import { BOARD_RULES } from './board.ts';
import { packRow, unpackRow } from './packed-lines.ts';
import { comparePlaces, rowOn, type PlacedRow } from './row.ts';
import type { NewSorter, Sorter } from '../shared/sorter.port.ts';

/** The effect that a change of the rules would have on everybody. */
export type RulesTrial = {
  readonly inForce: string;
  readonly tried: string;
  readonly date: UtcDate;
  readonly accounts: number;
  readonly gain: number;
  readonly lose: number;
  readonly stay: number;
  readonly largestGains: readonly ScoreMove[];
  readonly largestLosses: readonly ScoreMove[];
  /** By the names of tiers; who they are, as far as the list goes. */
  readonly tiers: readonly TierMove[];
  /** How many accounts would be in a tier with a lower threshold. */
  readonly tierLosses: number;
  readonly boards: readonly BoardTrial[];
  /** How many accounts would have another rank on the board of all time. */
  readonly rankChanges: number;
  /** Of how many accounts facts were read, as the projections do not hold what the rules count. */
  readonly factsReadOf: number;
  /** Accounts whose projections are missing: their refresh is under way. */
  readonly skipped: number;
};

export type ScoreMove = {
  readonly username: string;
  readonly from: number;
  readonly to: number;
  /** The contributions that differ. */
  readonly reasons: readonly { readonly key: string; readonly from: number; readonly to: number }[];
};

export type TierMove = {
  readonly from: string;
  readonly to: string;
  readonly accounts: number;
  readonly first: readonly string[];
};

export type BoardTrial = {
  readonly board: string;
  readonly title: string;
  readonly rows: readonly {
    readonly rank: number;
    readonly username: string;
    readonly points: number;
    /** Null if the board does not list the account now. */
    readonly rankNow: number | null;
  }[];
};

export type TrialDeps = {
  readonly users: AsyncIterable<{ readonly username: AccountId; readonly stored: StoredUser }>;
  readonly facts: FactReaders;
  readonly newSorter: NewSorter;
  readonly rules: Rulebook;
  /** Whether an account may be on boards. The default is that all may. */
  readonly isRanked?: (account: string) => boolean;
  readonly boards?: readonly BoardRules[];
  readonly onProgress?: (accounts: number) => void;
};

/** Rows that a sorter holds: there are two for each board. */
export const ROWS_IN_MEMORY = 5_000;
const LARGEST = 10;
const FIRST_OF_TIER = 20;
const FIRST_OF_BOARD = 20;
const AT_A_TIME = 16;

/** Computes for every account what other rules would make of it. Holds a few accounts at a time, and writes nothing. */
export async function tryRulesForAll(deps: TrialDeps, candidate: ScoringRules, at: number): Promise<RulesTrial> {
  const { users, facts, rules, onProgress } = deps;
  const found = new Findings(deps, candidate, dateOf(at));
  const add = async (page: readonly { readonly username: AccountId; readonly stored: StoredUser }[]) => {
    const trials = await settleAll(page, AT_A_TIME, (user) => tryRules(facts, user, { rules, candidate, at }));
    for (const [index, trial] of trials.entries()) {
      const stored = page[index]?.stored;
      if (trial === null || stored === undefined) found.skipped += 1;
      else found.add(trial, stored, isoOf(at));
    }
    onProgress?.(found.accounts);
  };
  try {
    const page: { readonly username: AccountId; readonly stored: StoredUser }[] = [];
    for await (const user of users) {
      page.push(user);
      if (page.length === AT_A_TIME * AT_A_TIME) await add(page.splice(0));
    }
    await add(page);
    return found.report();
  } finally {
    found.close();
  }
}

type Side = 'now' | 'then';
type BoardRows = { readonly board: BoardRules; readonly rows: Readonly<Record<Side, Sorter<PlacedRow>>> };
type Place = { readonly username: string; readonly rank: number; readonly side: Side };

class Findings {
  accounts = 0;
  skipped = 0;
  #gain = 0;
  #lose = 0;
  #tierLosses = 0;
  #factsReadOf = 0;
  #gains: ScoreMove[] = [];
  #losses: ScoreMove[] = [];
  readonly #tiers = new Map<string, { from: string; to: string; accounts: number; first: string[] }>();
  readonly #boards: readonly BoardRows[];
  readonly #places: Sorter<Place>;
  readonly #rules: Rulebook;
  readonly #isRanked: (account: string) => boolean;
  readonly #candidate: ScoringRules;
  readonly #date: UtcDate;

  constructor(
    { newSorter, rules, isRanked = () => true, boards = BOARD_RULES }: TrialDeps,
    candidate: ScoringRules,
    date: UtcDate,
  ) {
    this.#rules = rules;
    this.#isRanked = isRanked;
    this.#candidate = candidate;
    this.#date = date;
    const rows = () => newSorter<PlacedRow>({ compare: comparePlaces, pack: packRow, unpack: unpackRow });
    this.#boards = boards.map((board) => ({ board, rows: { now: rows(), then: rows() } }));
    this.#places = newSorter<Place>({
      compare: (a, b) => (a.username < b.username ? -1 : Number(a.username > b.username)),
      pack: ({ username, rank, side }) => `${username}\t${rank}\t${side}`,
      unpack: (line) => {
        const [username = '', rank, side] = line.split('\t');
        return { username, rank: Number(rank), side: side === 'now' ? 'now' : 'then' };
      },
    });
  }

  add({ now, then, readFacts }: Trial, { metrics, isHidden }: StoredUser, at: string): void {
    const isMember = metrics !== null && (isKnown(metrics.metrics) || now.granted.balance.seq > 0);
    if (!isMember) return;
    this.accounts += 1;
    if (readFacts) this.#factsReadOf += 1;
    this.#noteScores(now, then);
    this.#noteTiers(now, then);
    if (isHidden || !this.#isRanked(now.username)) return;
    for (const { board, rows } of this.#boards) {
      for (const [side, score] of [
        ['now', now],
        ['then', then],
      ] as const) {
        const isMoved = side === 'then' && now.canonicalScore !== then.canonicalScore;
        const since = Date.parse(isMoved ? at : now.standingSince);
        const row = rowOn(board, this.#date, { ...score, since });
        if (row !== null) rows[side].add(row);
      }
    }
  }

  #noteScores(now: UserScore, then: UserScore): void {
    const [from, to] = [now.canonicalScore, then.canonicalScore];
    if (from === to) return;
    if (to > from) this.#gain += 1;
    else this.#lose += 1;
    const list = to > from ? this.#gains : this.#losses;
    const least = list.at(-1);
    const change = Math.abs(to - from);
    if (list.length === LARGEST && least !== undefined && change <= Math.abs(least.to - least.from)) return;
    list.push({ username: now.username, from, to, reasons: reasonsOf(now, then) });
    list.sort((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from) || (a.username < b.username ? -1 : 1));
    list.splice(LARGEST);
  }

  #noteTiers(now: UserScore, then: UserScore): void {
    const [from, to] = [now.tier, then.tier];
    if (from === to) return;
    const thresholdOf = (tiers: readonly Tier[], tier: string) => tiers.find(({ name }) => name === tier)?.from ?? 0;
    const isLoss = thresholdOf(this.#candidate.tiers, to) < thresholdOf(this.#rules.inForce.tiers, from);
    if (isLoss) this.#tierLosses += 1;
    const key = `${from}\t${to}`;
    const move = this.#tiers.get(key) ?? { from, to, accounts: 0, first: [] };
    move.accounts += 1;
    if (move.first.length < FIRST_OF_TIER) move.first.push(now.username);
    this.#tiers.set(key, move);
  }

  report(): RulesTrial {
    const boards = this.#boards.map((one) => this.#boardOf(one));
    return {
      inForce: this.#rules.inForce.version,
      tried: this.#candidate.version,
      date: this.#date,
      accounts: this.accounts,
      gain: this.#gain,
      lose: this.#lose,
      stay: this.accounts - this.#gain - this.#lose,
      largestGains: this.#gains,
      largestLosses: this.#losses,
      tiers: [...this.#tiers.values()].sort((a, b) => b.accounts - a.accounts),
      tierLosses: this.#tierLosses,
      boards,
      rankChanges: this.#rankChanges(),
      factsReadOf: this.#factsReadOf,
      skipped: this.skipped,
    };
  }

  #boardOf({ board, rows }: BoardRows): BoardTrial {
    const first: { rank: number; username: string; points: number; rankNow: number | null }[] = [];
    let rank = 0;
    for (const { username, points } of rows.then.sorted()) {
      rank += 1;
      if (first.length < FIRST_OF_BOARD) first.push({ rank, username, points, rankNow: null });
      if (board.name === 'alltime') this.#places.add({ username, rank, side: 'then' });
    }
    const wanted = new Map(first.map((row) => [row.username, row]));
    let rankNow = 0;
    for (const { username } of rows.now.sorted()) {
      rankNow += 1;
      const row = wanted.get(username);
      if (row !== undefined) row.rankNow = rankNow;
      if (board.name === 'alltime') this.#places.add({ username, rank: rankNow, side: 'now' });
    }
    return { board: board.name, title: board.title, rows: first };
  }

  /** The ranks of an account follow each other: one alone is of an account that one side does not list. */
  #rankChanges(): number {
    let changes = 0;
    let held: Place | undefined;
    for (const place of this.#places.sorted()) {
      if (held?.username === place.username) {
        if (held.rank !== place.rank) changes += 1;
        held = undefined;
      } else {
        if (held !== undefined) changes += 1;
        held = place;
      }
    }
    return held === undefined ? changes : changes + 1;
  }

  close(): void {
    for (const { rows } of this.#boards) for (const sorter of Object.values(rows)) sorter.close();
    this.#places.close();
  }
}

/** The contributions that differ, those with the largest differences first; lines of the ledger never do. */
function reasonsOf(now: UserScore, then: UserScore): ScoreMove['reasons'] {
  const points = (score: UserScore) => new Map(score.contributions.map((each) => [each.key, each.points]));
  const [before, after] = [points(now), points(then)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((key) => ({ key, from: before.get(key) ?? 0, to: after.get(key) ?? 0 }))
    .filter(({ from, to }) => from !== to)
    .sort((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from));
}
