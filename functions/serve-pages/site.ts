import type { BoardRules, CommunitySettings } from '../../domain/rules/community.ts';
import { currentRules, settings } from '../../domain/rules/current-rules.ts';
import type { ScoringRules } from '../../domain/rules/scoring-rules.ts';
import { GREEN, stylesOf } from '../../pages/images/images.ts';
import type { Comparison, Site } from '../../pages/site.ts';

/** A board is compared with itself a day before, or its own window before where that is longer. */
function comparisonOf({ window }: BoardRules): Comparison {
  if (window === 'all') return 'day';
  const days = window === 'month' ? 30 : window.days;
  if (days < 7) return 'day';
  return days < 30 ? 'week' : 'month';
}

/** The pages by the files of the community. Only the build knows where its logo is. */
export function siteOf({ name, page = {}, boards }: CommunitySettings, { tiers }: Pick<ScoringRules, 'tiers'>): Site {
  const first = boards.filter((board) => board.name === page.board);
  return {
    name,
    links: page.links ?? [],
    tiers: tiers.map((tier) => tier.name),
    boards: [...new Set([...first, ...boards])].map((board) => ({
      name: board.name,
      title: board.title,
      compare: comparisonOf(board),
    })),
  };
}
export const siteOfCommunity = siteOf(settings, currentRules);

const accent = settings.page?.accent;
/** Of cards, the style of each theme. */
export const CARD_STYLES = stylesOf(accent);
/** Of badges, the colour of a known name. */
export const BADGE_COLOR = accent ?? GREEN;
