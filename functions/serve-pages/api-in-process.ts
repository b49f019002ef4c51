import { isView, sentenceOf, type Answer, type ApiPath, type Get } from '../../pages/api.ts';
import { toJson } from '../runtime/json.ts';
import { readQuery } from '../runtime/query.ts';
import type { HttpDeps, Route } from '../runtime/route.ts';
import { pathFinder } from '../runtime/router.ts';

const FAULT = 'Something failed on our side. It was noted; please try again.';

/**
 * The public API for the pages, without a request over the network: the same routes check what is asked and answer it,
 * so that a page can show nothing else.
 */
export function apiInProcess<Deps extends HttpDeps>(
  routes: readonly Route<Deps>[],
  deps: Deps,
  note: (fault: { readonly path: string; readonly error: unknown }) => void,
): Get {
  const find = pathFinder(routes);
  return async <View>({ path }: ApiPath<View>): Promise<Answer<View>> => {
    const { pathname, search } = new URL(path, 'http://in-process');
    const match = find(decodeURIComponent(pathname)).find(({ route }) => route.method === 'GET');
    const query = readQuery(search);
    if (match === undefined || !query.ok) return { ok: false, status: 404, sentence: 'There is nothing of that name.' };
    try {
      const sent = { params: match.params, query: query.value };
      const { status, body } = await match.route.answer(
        sent,
        { credential: undefined, requestId: '', headers: {} },
        deps,
      );
      const read: unknown = JSON.parse(toJson(body)); // as a browser gets it: a bigint becomes a number
      if (status === 200 && isView<View>(read)) return { ok: true, view: read };
      return { ok: false, status, sentence: sentenceOf(read, status) };
    } catch (error) {
      note({ path: match.route.path, error });
      return { ok: false, status: 500, sentence: FAULT };
    }
  };
}
