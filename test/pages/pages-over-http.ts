import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Get } from '../../pages/api.ts';
import { pagesUnderTest } from './pages-under-test.ts';

/** The pages and an API of the test's own behind one address, for a browser. `get` may be replaced at any time. */
export async function pagesOverHttp() {
  const pages = await pagesUnderTest();
  const api: { get: Get } = { get: async () => ({ ok: false, status: 404, sentence: 'nothing is known of it' }) };
  const serve = pages.serve((path) => api.get(path));
  const server = createServer((request, response) => {
    const { url = '/', headers } = request;
    const answered = /^\/(?:v1|community-metrics)\b/u.test(url)
      ? api.get({ path: url }).then((answer) => ({
          status: answer.ok ? 200 : answer.status,
          headers: { 'content-type': 'application/json' },
          bytes: JSON.stringify(answer.ok ? answer.view : { error: answer.sentence }),
        }))
      : serve(url, { ...(headers as Record<string, string>), host: headers.host ?? '' });
    void answered.then(({ status, headers: sent, bytes }) => response.writeHead(status, sent).end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    answer: (get: Get) => void (api.get = get),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      pages.remove();
    },
  };
}
