import * as z from 'zod/mini';
import packageJson from '../../package.json' with { type: 'json' };
import { route } from '../runtime/route.ts';

const Health = z.object({ status: z.literal('ok'), version: z.string() });

/** About the API itself. */
export const metaRoutes = [
  route({
    method: 'GET',
    path: '/health',
    summary: 'Whether Laurel answers, and which version',
    access: 'anyone',
    request: z.object({}),
    answers: { 200: { description: 'It does', schema: Health } },
    handle: async () => ({ status: 200, body: { status: 'ok', version: packageJson.version } }),
  }),
  route({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document',
    access: 'anyone',
    request: z.object({}),
    answers: { 200: { description: 'An OpenAPI 3.1 document', schema: z.looseObject({ openapi: z.string() }) } },
    cacheSeconds: 3_600,
    async handle() {
      const { openApi } = await import('./all-routes.ts'); // large, and seldom asked for
      return { status: 200, body: openApi() };
    },
  }),
];
