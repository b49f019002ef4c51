import type { PageState } from './state.ts';
import { App } from './parts/app.tsx';
import { counted, number, visible } from './format.ts';

/** Where the assets of a release are: each name holds a hash of the content. */
export type AssetPaths = { readonly script: string; readonly style: string; readonly icon: string };

type Preview = { readonly title: string; readonly description: string; readonly image?: string };

/** What a link to a page shows of it elsewhere. */
function previewOf(state: PageState): Preview {
  const { site } = state;
  switch (state.page) {
    case 'board': {
      const { rows } = state.data;
      const [first] = rows.ok ? rows.view.rows : [];
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

/** A whole page. What the browser goes on from is in an attribute: nothing in it is ever a script. */
export function Document({ state, assets }: { readonly state: PageState; readonly assets: AssetPaths }) {
  const { title, description, image } = previewOf(state);
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <meta name="description" content={description} />
        <meta property="og:title" content={title} />
        <meta property="og:description" content={description} />
        <meta property="og:type" content={state.page === 'person' ? 'profile' : 'website'} />
        <meta property="og:site_name" content={state.site.name} />
        {image !== undefined && <meta property="og:image" content={`${state.origin}${image}`} />}
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.style} />
        <script type="module" src={assets.script} />
      </head>
      <body>
        <div id="app" data-state={JSON.stringify(state)}>
          <App state={state} isLive={false} isBusy={false} />
        </div>
      </body>
    </html>
  );
}
