import { httpFunction } from '../runtime/http-function.ts';
import { ReadApiEnv } from './env.ts';
import { metaRoutes } from './meta-routes.ts';
import { routes } from './routes.ts';
import { wireReadApi } from './wiring.ts';

export const handler = httpFunction({
  routes: [...routes, ...metaRoutes],
  wire: () => wireReadApi(ReadApiEnv.parse(process.env)),
});
