import { ROUTES_BY_ROLE } from '../read-api/all-routes.ts';

/**
 * The function that serves each path. The bundler computes this list: the bundle of this function holds no route of
 * another one.
 */
export const PATHS = Object.entries(ROUTES_BY_ROLE).flatMap(([role, routes]) =>
  routes.map(({ path, access }) => ({ role, path, access })),
);
