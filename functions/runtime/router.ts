import * as z from 'zod/mini';
import type { Method } from './route.ts';

/**
 * A path's routes, found as the gateway hands paths over: decoded, with or without doubled slashes and the base path.
 */

type Pattern = readonly {
  readonly kind: 'literal' | 'one' | 'many';
  readonly text: string;
  /** What follows the parameter in its segment: `.svg`. */
  readonly suffix?: string | undefined;
}[];

export type Match<Route> = { readonly route: Route; readonly params: Readonly<Record<string, string>> };

/**
 * An id that may be sent in a path. The gateway decodes a path twice, cuts it at an encoded `?` and merges slashes, so
 * an id with any other character could arrive as another one. Such an id goes in a body.
 */
export const pathId = (instead: string) =>
  z.string().check(z.regex(/^[A-Za-z0-9._~-]{1,128}$/, `a path carries ids of A-Z a-z 0-9 . _ ~ - only: ${instead}`));

/** Empty segments count for nothing: `//ingest` is `/ingest`. Nothing is decoded here: a `%` is a `%`. */
const segmentsOf = (path: string): readonly string[] => path.split('/').filter((segment) => segment !== '');

const patternOf = (path: string): Pattern =>
  segmentsOf(path).map((text) => {
    const [, name, plus, suffix] = /^\{(\w+)(\+?)\}(\.\w+)?$/u.exec(text) ?? [];
    if (name === undefined) return { kind: 'literal', text };
    return { kind: plus === '+' ? 'many' : 'one', text: name, suffix };
  });

/** The parameters of a pattern in a path. A parameter of several segments takes the segments that the others leave. */
function paramsOf(pattern: Pattern, path: readonly string[]): Record<string, string> | undefined {
  const extra = path.length - pattern.length;
  const isGreedy = pattern.some(({ kind }) => kind === 'many');
  if (extra < 0 || (extra > 0 && !isGreedy)) return undefined;
  const params: Record<string, string> = {};
  let index = 0;
  for (const { kind, text, suffix = '' } of pattern) {
    const taken = path.slice(index, index + (kind === 'many' ? 1 + extra : 1));
    index += taken.length;
    const value = taken.join('/');
    if (kind === 'literal' ? value !== text : !value.endsWith(suffix)) return undefined;
    if (kind !== 'literal') params[text] = value.slice(0, value.length - suffix.length);
  }
  return params;
}

/**
 * Finds the routes of a path, whatever their methods. Behind a base path such as `/api`, each path is also found with
 * it in front; a route whose own path starts with it, `/api/whoami` say, comes first.
 */
export function pathFinder<Route extends { readonly path: string }>(
  routes: readonly Route[],
  basePath = '',
): (path: string) => readonly Match<Route>[] {
  const patterns = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  const base = segmentsOf(basePath);
  const matching = (path: readonly string[]) =>
    patterns.flatMap(({ route, pattern }) => {
      const params = paramsOf(pattern, path);
      return params === undefined ? [] : [{ route, params }];
    });

  return (path) => {
    const segments = segmentsOf(path);
    const found = matching(segments);
    const hasBase = base.length > 0 && base.every((segment, index) => segments[index] === segment);
    return found.length > 0 || !hasBase ? found : matching(segments.slice(base.length));
  };
}

/** The methods that a path answers, for `allow`: `HEAD` is `GET` without its body. */
export const methodsOf = (routes: readonly { readonly method: Method }[]): readonly string[] => {
  const methods = routes.map(({ method }) => method);
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])];
};
