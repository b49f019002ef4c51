import * as z from 'zod/mini';
import type { AccountId } from '../../../../domain/identity/account.ts';
import { monthOf, type DayRow, type PastMonth } from '../../../../domain/scoring/score-store.port.ts';
import { addDays, type UtcDate } from '../../../../domain/shared/utc.ts';
import { fromItem, toItem } from '../shared/format.ts';
import { type Item, userPk } from '../shared/item.ts';
import { packDates, PackedDates, RevisionNumber } from './score.items.ts';

export const MONTH_PREFIX = 'DAYS#';
const skOfMonth = (month: string): string => `${MONTH_PREFIX}${month}`;
export const monthSk = (date: UtcDate): string => skOfMonth(monthOf(date));
/** After every earlier month, and before that of the date. */
export const beforeMonthSk = (date: UtcDate): string => `${monthSk(addDays(`${monthOf(date)}-01`, -1))}~`;

const MonthItem = z.object({
  sk: z.string(),
  scores: PackedDates,
  rulesVersion: z.string(),
  rev: RevisionNumber,
});

/** Apart from the rows that were saved on their own days, so that it replaces none. */
export const toMonthItem = (account: AccountId, { month, days, revision }: PastMonth, rulesVersion: string): Item => {
  const scores = packDates(days.map(({ date, canonicalScore }) => [date, canonicalScore] as const));
  return toItem('refolded-month', {
    pk: userPk(account),
    sk: skOfMonth(month),
    scores,
    rulesVersion,
    isRefolded: true,
    rev: revision,
  });
};

export function parseMonthItem(item: Item): PastMonth {
  const { sk, scores, rev } = MonthItem.parse(fromItem('refolded-month', item));
  const days = scores.map(([date, canonicalScore]) => ({ date, canonicalScore }));
  return { month: sk.slice(MONTH_PREFIX.length), days, revision: rev };
}

export const daysOfMonth = (item: Item): readonly DayRow[] => {
  const { rulesVersion } = MonthItem.parse(fromItem('refolded-month', item));
  return parseMonthItem(item).days.map((day) => ({ ...day, rulesVersion }));
};
