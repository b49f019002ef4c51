import { join } from 'node:path';
import { renderBadge, renderCard } from '../../pages/images/render.tsx';
import { renderPage } from '../../pages/render.tsx';
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
      render: (state) => renderPage(state, assets.paths),
      renderBadge,
      renderCard,
      asset: assets.find,
    };
  },
});
