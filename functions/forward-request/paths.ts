import { ROUTES_BY_ROLE } from '../read-api/all-routes.ts';

/**
 * The function that serves each path. The bundler computes this list, so the bundle of this function holds no routes of
 * other functions.
 */
export const PATHS = Object.entries(ROUTES_BY_ROLE).flatMap(([role, routes]) =>
  routes.map(({ path, access }) => ({ role, path, access })),
);
