import { join } from 'node:path';
import { routes as apiRoutes } from '../read-api/routes.ts';
import { wireReadApi } from '../read-api/wiring.ts';
import { httpFunction } from '../runtime/http-function.ts';
import { logger } from '../runtime/log.ts';
import { apiInProcess } from './api-in-process.ts';
import { ServePagesEnv } from './env.ts';
import { readPageAssets } from './page-assets.ts';
import { routes } from './routes.ts';
import { siteOfCommunity } from './site.ts';

export const handler = httpFunction({
  routes,
  wire: () => {
    const api = wireReadApi(ServePagesEnv.parse(process.env));
    const assets = readPageAssets(join(import.meta.dirname, 'assets'));
    return {
      authenticate: api.authenticate,
      get: apiInProcess(apiRoutes, api, ({ path, error }) => logger.error('a part of a page failed', { path, error })),
      clock: api.clock,
      site: { ...siteOfCommunity, logo: assets.paths.logo },
      // The code that draws is large, and assets and JSON do not need it.
      async render(state) {
        const { renderPage } = await import('../../pages/render.tsx');
        return renderPage(state, assets.paths);
      },
      async renderBadge(badge) {
        const { renderBadge } = await import('../../pages/render.tsx');
        return renderBadge(badge);
      },
      async renderCard(card, style) {
        const { renderCard } = await import('../../pages/render.tsx');
        return renderCard(card, style);
      },
      asset: assets.find,
    };
  },
});
