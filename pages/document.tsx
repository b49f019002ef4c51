import type { PageState } from './state.ts';
import { App } from './parts/app.tsx';
import { previewOf, titleOf } from './preview.ts';

/** Where the assets of a release are: each name holds a hash of the content. */
export type AssetPaths = {
  readonly script: string;
  readonly style: string;
  readonly icon: string;
  readonly logo?: string | undefined;
};

/** A whole page. What the browser goes on from is in an attribute: nothing in it is ever a script. */
export function Document({ state, assets }: { readonly state: PageState; readonly assets: AssetPaths }) {
  const title = titleOf(state);
  const { description, image = assets.logo ?? assets.icon } = previewOf(state);
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
        <meta property="og:image" content={`${state.origin}${image}`} />
        <link rel="icon" href={assets.logo ?? assets.icon} />
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
