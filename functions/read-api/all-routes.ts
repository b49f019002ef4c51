import packageJson from '../../package.json' with { type: 'json' };
import { routes as publishRoutes } from '../confirm-publish/routes.ts';
import { routes as importRoutes } from '../import-history/routes.ts';
import { routes as ingestRoutes } from '../ingest-telemetry/routes.ts';
import { routes as accountRoutes } from '../manage-accounts/routes.ts';
import { routes as deviceRoutes } from '../manage-devices/routes.ts';
import { routes as keyRoutes } from '../manage-keys/routes.ts';
import { routes as awardRoutes } from '../record-award/routes.ts';
import { routes as pageRoutes } from '../serve-pages/routes.ts';
import { routes as hookRoutes } from '../take-hooks/routes.ts';
import { routes as exportRoutes } from '../export-account/routes.ts';
import { routes as loginRoutes } from '../link-logins/routes.ts';
import { routes as visibilityRoutes } from '../set-visibility/routes.ts';
import { HttpEnv } from '../runtime/http-env.ts';
import { openApiOf } from '../runtime/openapi.ts';
import { metaRoutes } from './meta-routes.ts';
import { routes } from './routes.ts';

/** Every route, by the role of the function that answers it: what each checks and answers is written once, there. */
export const ROUTES_BY_ROLE = {
  'ingest-telemetry': ingestRoutes,
  'import-history': importRoutes,
  'confirm-publish': publishRoutes,
  'manage-accounts': accountRoutes,
  'manage-devices': deviceRoutes,
  'set-visibility': visibilityRoutes,
  'link-logins': loginRoutes,
  'export-account': exportRoutes,
  'take-hooks': hookRoutes,
  'record-award': awardRoutes,
  'manage-keys': keyRoutes,
  'read-api': [...routes, ...metaRoutes],
  'serve-pages': pageRoutes,
} as const;

/** The OpenAPI document. */
export const openApi = (): Readonly<Record<string, unknown>> =>
  openApiOf(
    Object.values(ROUTES_BY_ROLE).flat(),
    { title: 'Laurel', version: packageJson.version },
    HttpEnv.parse(process.env).BASE_PATH,
  );
