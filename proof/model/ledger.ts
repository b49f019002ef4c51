import { PUBLISH_CAP, PUBLISH_POINTS, tiersUpTo } from './scoring.ts';
import type { Span } from './telemetry.ts';

/** The ledger implemented again: plain maps over requests and answers. */
export type AskedGrant = Span & {
  readonly grantId: string;
  readonly username: string;
  readonly points: number;
  /** `maybe`: refused at last, after a try without an answer. */
  readonly answer: 'given' | 'repeated' | 'conflict' | 'maybe';
  readonly isTriedOnce: boolean;
  /** The line in the answer. */
  readonly said?: {
    readonly seq: number;
    readonly balance: number;
    readonly grantedAt: string;
    readonly hash?: string;
  };
};
export type AskedReversal = Span & {
  readonly grantId: string;
  readonly answer: 'given' | 'repeated' | 'unknown';
  readonly isTriedOnce: boolean;
};

/** A line as it is stored. */
export type StoredLine = {
  readonly grantId: string;
  readonly username: string;
  readonly key: string;
  readonly category: string;
  readonly source: string;
  readonly amount: number;
  readonly grantedAt: string;
  readonly seq: number;
  readonly balanceAfter: number;
  readonly hash: string;
  readonly previousHash: string | null;
  /** True if its hash is that of its content, and its commitments are those of its texts. */
  readonly isGenuine: boolean;
};
export type StoredBalance = {
  readonly username: string;
  readonly seq: number;
  readonly totalScore: number;
  readonly categoryTotals: Readonly<Record<string, number>>;
  readonly sourceTotals: Readonly<Record<string, number>>;
  readonly head: string;
};

const isCertain = ({ answer }: AskedGrant): boolean => answer === 'given' || answer === 'repeated';
const reversalOf = (grantId: string): string => `reversal:${grantId}`;
const isSum = (
  totals: Readonly<Record<string, number>>,
  lines: readonly StoredLine[],
  of: (line: StoredLine) => string,
) => {
  const sums = new Map<string, number>();
  for (const line of lines) sums.set(of(line), (sums.get(of(line)) ?? 0) + line.amount);
  return [...new Set([...sums.keys(), ...Object.keys(totals)])].every(
    (name) => (totals[name] ?? 0) === (sums.get(name) ?? 0),
  );
};

/** I3: a balance equals the sum of its user's lines, in the order of their numbers. */
export function problemsOfBalances(lines: readonly StoredLine[], balances: readonly StoredBalance[]): string[] {
  const problems: string[] = [];
  const balanceOf = new Map(balances.map((balance) => [balance.username, balance]));
  const byUser = Map.groupBy(lines, ({ username }) => username);
  for (const username of new Set([...balanceOf.keys(), ...byUser.keys()])) {
    const own = (byUser.get(username) ?? []).toSorted((a, b) => a.seq - b.seq);
    const balance = balanceOf.get(username);
    const sum = own.reduce((total, { amount }) => total + amount, 0);
    if (balance === undefined) {
      problems.push(`${username} has ${own.length} lines and no balance`);
      continue;
    }
    const is = `${balance.seq} lines, ${balance.totalScore} points`;
    if (balance.seq !== own.length || balance.totalScore !== sum) {
      problems.push(`the balance of ${username} is ${is}; there are ${own.length} lines, ${sum} points`);
    }
    const isWhole =
      isSum(balance.categoryTotals, own, (line) => line.category) &&
      isSum(balance.sourceTotals, own, (line) => line.source);
    if (!isWhole) problems.push(`the totals of ${username} by category or source are not those of the lines`);
    let [before, running]: [string | null, number] = [null, 0];
    for (const [index, line] of own.entries()) {
      running += line.amount;
      if (!line.isGenuine) problems.push(`line ${line.seq} of ${username} (${line.grantId}) was changed`);
      const follows = line.seq === index + 1 && line.previousHash === before && line.balanceAfter === running;
      if (!follows)
        problems.push(`line ${line.seq} of ${username} (${line.grantId}) does not follow the one before it`);
      before = line.hash;
    }
    if (balance.head !== before) problems.push(`the balance of ${username} does not end with its newest line`);
  }
  return problems;
}

export class LedgerModel {
  readonly #grants: AskedGrant[] = [];
  readonly #reversals: AskedReversal[] = [];
  #lines: readonly StoredLine[] = [];

  /** Two accounts were shown as one: meanwhile a post of either is a repeat for both. */
  #hasMerges = false;
  merged(): void {
    this.#hasMerges = true;
  }

  asked(grant: AskedGrant): void {
    this.#grants.push(grant);
  }

  reversed(reversal: AskedReversal): void {
    this.#reversals.push(reversal);
  }

  lines(): readonly StoredLine[] {
    return this.#lines;
  }

  linesOf(username: string): readonly StoredLine[] {
    return this.#lines.filter((line) => line.username === username);
  }

  /** The points of awards, badges and feed posts in a score, by date. A reversal is never dated before its grant. */
  datedOf(username: string): readonly { readonly date: string; readonly amount: number }[] {
    const own = this.linesOf(username);
    const dateOf = ({ grantedAt }: StoredLine): string => grantedAt.slice(0, 10);
    const singles = own.filter(({ grantId }) => /^(?:award|badge|feed-post):/u.test(grantId));
    return singles.flatMap((line) => {
      const date = dateOf(line);
      const reversal = own.find(({ grantId }) => grantId === `reversal:${line.grantId}`);
      const given = { date, amount: line.amount };
      if (reversal === undefined) return [given];
      return [given, { date: dateOf(reversal) < date ? date : dateOf(reversal), amount: reversal.amount }];
    });
  }

  /**
   * Compares the stored lines with the requests, and returns the contradictions. `published` are the ids of publish
   * grants.
   */
  settle(lines: readonly StoredLine[], published: ReadonlySet<string>): string[] {
    this.#lines = lines;
    const problems: string[] = [];
    const stored = new Map(lines.map((line) => [line.grantId, line]));
    if (stored.size < lines.length) problems.push('a grantId is in the ledger more than once');
    for (const [grantId, asked] of Map.groupBy(this.#grants, (each) => each.grantId)) {
      problems.push(
        ...problemsOfGrant(stored.get(grantId), asked, this.#hasMerges).map((problem) => `${grantId}: ${problem}`),
      );
    }
    for (const [grantId, asked] of Map.groupBy(this.#reversals, (each) => each.grantId)) {
      problems.push(...this.#problemsOfReversal(grantId, asked, stored));
    }
    const known = new Set([
      ...this.#grants.map(({ grantId }) => grantId),
      ...this.#reversals.map(({ grantId }) => reversalOf(grantId)),
      ...published,
    ]);
    for (const { grantId } of lines) {
      if (!known.has(grantId) && !/^(?:badge:tier-|merge:)/u.test(grantId))
        problems.push(`${grantId} is in the ledger, and nobody gave it`);
    }
    for (const grantId of published) if (!stored.has(grantId)) problems.push(`${grantId} is missing`);
    for (const own of Map.groupBy(lines, ({ username }) => username).values())
      problems.push(...problemsOfPublishes(own));
    return problems;
  }

  #problemsOfReversal(
    grantId: string,
    asked: readonly AskedReversal[],
    stored: ReadonlyMap<string, StoredLine>,
  ): string[] {
    const [line, original] = [stored.get(reversalOf(grantId)), stored.get(grantId)];
    const done = asked.filter(({ answer }) => answer !== 'unknown');
    const problems: string[] = [];
    if (done.length > 0 && (line === undefined || original === undefined))
      problems.push('was answered, and is not there');
    if (line !== undefined && (done.length === 0 || line.amount !== 0 - (original?.amount ?? 0)))
      problems.push('is not what was asked');
    const given = done.filter(({ answer }) => answer === 'given').length;
    if (given > 1) problems.push('was given more than once');
    if (line !== undefined && given === 0 && asked.every(({ isTriedOnce }) => isTriedOnce))
      problems.push('is there, and nobody was told that it was given');
    const isKnownBefore = (span: Span) =>
      this.#grants.some((grant) => grant.grantId === grantId && isCertain(grant) && grant.ended < span.began);
    if (asked.some((each) => each.answer === 'unknown' && isKnownBefore(each)))
      problems.push('of a known grant was refused');
    return problems.map((problem) => `the reversal of ${grantId} ${problem}`);
  }
}

function problemsOfGrant(line: StoredLine | undefined, asked: readonly AskedGrant[], hasMerges: boolean): string[] {
  const problems: string[] = [];
  const given = asked.filter(({ answer }) => answer === 'given').length;
  if (given > 1) problems.push(`was answered as given ${given} times`);
  if (line === undefined)
    return asked.every(({ answer }) => answer === 'maybe') ? problems : [...problems, 'was answered, and is not there'];
  if (given === 0 && asked.every(({ isTriedOnce }) => isTriedOnce))
    problems.push('is there, and nobody was told that it was given');
  for (const { username, points, answer, said } of asked) {
    if (answer === 'maybe') continue;
    if (hasMerges && answer === 'repeated' && line.source === 'feed') continue;
    const isSame = line.username === username && line.amount === points;
    if (isSame === (answer === 'conflict'))
      problems.push(`${username} ${points} was answered ${answer}, there is ${line.username} ${line.amount}`);
    const isTrue =
      said === undefined ||
      (said.seq === line.seq &&
        said.balance === line.balanceAfter &&
        said.grantedAt === line.grantedAt &&
        (said.hash ?? line.hash) === line.hash);
    if (answer !== 'conflict' && !isTrue) problems.push('an answer said of the line what is not so');
  }
  return problems;
}

/** Publish grants give 500 each until 5,000 are given. A reversal does not free a part of the cap. */
export function problemsOfPublishes(own: readonly StoredLine[]): string[] {
  let sum = 0;
  return own
    .toSorted((a, b) => a.seq - b.seq)
    .filter(({ grantId }) => grantId.startsWith('publish:'))
    .flatMap(({ grantId, amount }) => {
      const expected = Math.min(PUBLISH_POINTS, Math.max(0, PUBLISH_CAP - sum));
      sum += amount;
      return amount === expected ? [] : [`${grantId} gave ${amount} instead of ${expected}`];
    });
}

/**
 * Every tier that a score has passed must be recorded, and every recorded tier must have its badge in the ledger.
 * `wasTogether`: a score that counted another account's facts may have passed more tiers. Their badges stay.
 */
export function problemsOfTiers(
  username: string,
  score: { readonly canonicalScore: number; readonly tiersReached: readonly string[] },
  lines: readonly StoredLine[],
  wasTogether = false,
): string[] {
  const badgeOf = (tier: string) => `badge:tier-${tier.toLowerCase()}:${username}`;
  const given = new Set(lines.map(({ grantId }) => grantId));
  const missed = tiersUpTo(score.canonicalScore).filter((tier) => !score.tiersReached.includes(tier));
  const bare = score.tiersReached.filter((tier) => !given.has(badgeOf(tier)));
  const unfounded =
    !wasTogether && lines.filter(({ grantId }) => grantId.startsWith('badge:tier-')).length > score.tiersReached.length;
  return [
    ...missed.map((tier) => `${username} has passed ${tier}, which is not recorded`),
    ...bare.map((tier) => `${username} has reached ${tier} without its badge`),
    ...(unfounded ? [`${username} has badges of tiers that are not recorded`] : []),
  ];
}
