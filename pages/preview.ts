import { counted, number, visible } from './format.ts';
import type { PageState } from './state.ts';

type Preview = { readonly title: string; readonly description: string; readonly image?: string };

/** What a link to a page shows of it elsewhere. */
export function previewOf(state: PageState): Preview {
  const { site } = state;
  switch (state.page) {
    case 'board': {
      const { rows } = state.data;
      const first = rows.ok ? rows.view.rows.find(({ rank }) => rank === 1) : undefined;
      const leader = first === undefined ? '' : `${first.username} leads with ${number(first.points)} points. `;
      return {
        title: `Leaderboard · ${site.name}`,
        description: `${leader}Who leads, who climbs, and why.`,
        ...(first === undefined ? {} : { image: `/cards/${first.username}.svg` }),
      };
    }
    case 'person': {
      const { score } = state.data;
      const name = visible(state.address.username);
      if (!score.ok) return { title: `${name} · ${site.name}`, description: score.sentence };
      const { canonicalScore, tier, rank } = score.view;
      return {
        title: `${name} · ${site.name}`,
        description: `${counted(canonicalScore, 'point')}, ${tier}${rank === null ? '' : `, rank ${number(rank)}`}: each point with its reason.`,
        image: `/cards/${name}.svg`,
      };
    }
    case 'community':
      return { title: `Community · ${site.name}`, description: 'The pulse of the community, day by day.' };
    case 'rules':
      return { title: `Rules · ${site.name}`, description: 'How points work: kinds, caps, tiers and multipliers.' };
    case 'nothing':
      return { title: `Nothing here · ${site.name}`, description: 'This address leads to no page.' };
  }
}
