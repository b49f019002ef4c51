import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPageAssets } from '../../functions/serve-pages/page-assets.ts';
import { routes, type ServePagesDeps } from '../../functions/serve-pages/routes.ts';
import { siteOfCommunity } from '../../functions/serve-pages/site.ts';
import { httpFunction } from '../../functions/runtime/http-function.ts';
import { buildPageAssets, type PageLook } from '../../infra/page-assets.ts';
import type { Get } from '../../pages/api.ts';
import { renderBadge, renderCard, renderPage } from '../../pages/render.tsx';

/** What the API answers by the beginning of a path; the first one that fits. */
export type Answers = Readonly<Record<string, unknown>>;

export const NOW = Date.parse('2026-08-21T12:00:00.000Z');
export const failing: Get = async () => ({ ok: false, status: 500, sentence: 'Something failed on our side.' });

export const answering =
  (answers: Answers): Get =>
  async ({ path }) => {
    const found = Object.entries(answers).find(([start]) => path.startsWith(start));
    return found === undefined
      ? { ok: false, status: 404, sentence: `nothing is known of ${path}` }
      : { ok: true, view: found[1] as never };
  };

/** The pages with an API of the test's own. */
export async function pagesUnderTest(look: PageLook = { style: '' }) {
  const directory = mkdtempSync(join(tmpdir(), 'laurel-assets-'));
  for (const [name, content] of await buildPageAssets(look)) writeFileSync(join(directory, name), content);
  const assets = readPageAssets(directory);
  const serve = (get: Get, changed: Partial<ServePagesDeps> = {}, method = 'GET') => {
    const wire = (): ServePagesDeps => ({
      authenticate: async () => undefined,
      get,
      clock: () => NOW,
      site: { ...siteOfCommunity, logo: assets.paths.logo },
      render: async (state) => renderPage(state, assets.paths),
      renderBadge: async (badge) => renderBadge(badge),
      renderCard: async (card, style) => renderCard(card, style),
      asset: assets.find,
      ...changed,
    });
    const handler = httpFunction({ routes, wire });
    return async (address: string, headers: Record<string, string> = {}) => {
      const { pathname, search } = new URL(address, 'http://pages');
      const answer = await handler({
        rawPath: decodeURIComponent(pathname),
        rawQueryString: search.slice(1),
        headers: { host: 'laurel.example.org', ...headers },
        isBase64Encoded: false,
        requestContext: { requestId: 'request-1', http: { method } },
      });
      const bytes = Buffer.from(answer.body, answer.isBase64Encoded === true ? 'base64' : 'utf8');
      return { status: answer.statusCode, headers: answer.headers, text: bytes.toString('utf8'), bytes };
    };
  };
  return { serve, paths: assets.paths, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
