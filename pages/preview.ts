import { counted, number, visible } from './format.ts';
import type { PageState } from './state.ts';

const TITLES = { board: 'Leaderboard', community: 'Community', rules: 'Rules', nothing: 'Nothing here' } as const;

/** The title of a page in a browser. */
export function titleOf(state: PageState): string {
  const name = state.page === 'person' ? visible(state.address.username) : TITLES[state.page];
  return `${name} · ${state.site.name}`;
}

type Preview = { readonly description: string; readonly image?: string };

/** What other sites show of a linked page, below its title. Browsers do not load this file. */
export function previewOf(state: PageState): Preview {
  switch (state.page) {
    case 'board': {
      const { rows } = state.data;
      const first = rows.ok ? rows.view.rows.find(({ rank }) => rank === 1) : undefined;
      const leader = first === undefined ? '' : `${first.username} leads with ${number(first.points)} points. `;
      return {
        description: `${leader}Who leads, who climbs, and why.`,
        ...(first === undefined ? {} : { image: `/cards/${first.username}.svg` }),
      };
    }
    case 'person': {
      const { score } = state.data;
      const name = visible(state.address.username);
      if (!score.ok) return { description: score.sentence };
      const { canonicalScore, tier, rank } = score.view;
      return {
        description: `${counted(canonicalScore, 'point')}, ${tier}${rank === null ? '' : `, rank ${number(rank)}`}: each point with its reason.`,
        image: `/cards/${name}.svg`,
      };
    }
    case 'community':
      return { description: 'The pulse of the community, day by day.' };
    case 'rules':
      return { description: 'How points work: kinds, caps, tiers and multipliers.' };
    case 'nothing':
      return { description: 'This address leads to no page.' };
  }
}
