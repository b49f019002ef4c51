import type { Accounts } from '../identity/account.ts';
import type { BoardRules } from '../rules/community.ts';
import { settings } from '../rules/current-rules.ts';
import { startOfPeriod } from '../shared/periods.ts';
import { addDays, type UtcDate } from '../shared/utc.ts';

/** The name of a board. */
export type Board = string;

/** The boards of the community: one more is one line of its settings. */
export const BOARD_RULES: readonly BoardRules[] = settings.boards;
export const BOARDS: readonly Board[] = BOARD_RULES.map(({ name }) => name);

/** The last date before a board's window that ends on `date`; null for a board of all time. */
export function lastDateBefore({ window }: Pick<BoardRules, 'window'>, date: UtcDate): UtcDate | null {
  if (window === 'all') return null;
  return window === 'month' ? addDays(startOfPeriod('month', date), -1) : addDays(date, -window.days);
}

/** Whether a username may be on boards: no pattern matches it. `*` is any text. */
export function ranksAllBut(patterns: readonly string[]): (username: string) => boolean {
  const texts = patterns.map((pattern) =>
    pattern
      .split('*')
      .map((part) => part.replaceAll('.', '\\.'))
      .join('.*'),
  );
  const none = new RegExp(`^(?:${texts.join('|')})$`, 'u');
  return (username) => texts.length === 0 || !none.test(username);
}

/** Whether an account may be on boards, by the present names of those who may not. */
export async function rankedAccounts(
  { beginningWith }: Pick<Accounts, 'beginningWith'>,
  patterns = settings.notRanked,
): Promise<(account: string) => boolean> {
  const isRanked = ranksAllBut(patterns);
  const left = new Set<string>();
  for (const pattern of patterns) {
    for await (const page of beginningWith(pattern.split('*', 1).join(''))) {
      for (const [name, { account, heldUntil }] of page) {
        if (heldUntil === undefined && !isRanked(name)) left.add(account);
      }
    }
  }
  return (account) => !left.has(account);
}
