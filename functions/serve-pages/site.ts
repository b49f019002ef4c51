import type { BoardRules } from '../../domain/rules/community.ts';
import { currentRules, settings } from '../../domain/rules/current-rules.ts';
import type { Comparison, Site } from '../../pages/site.ts';

/** A board is compared with itself a day before, or its own window before where that is longer. */
function comparisonOf({ window }: BoardRules): Comparison {
  if (window === 'all') return 'day';
  const days = window === 'month' ? 30 : window.days;
  if (days < 7) return 'day';
  return days < 30 ? 'week' : 'month';
}

/** What the files of the community say of its pages. */
export const siteOfCommunity: Site = {
  name: settings.name,
  links: [],
  tiers: currentRules.tiers.map(({ name }) => name),
  boards: settings.boards.map((board) => ({ name: board.name, title: board.title, compare: comparisonOf(board) })),
};
