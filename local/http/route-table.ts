import type { RouteModel } from '../template/stack-model.ts';
import { UnsupportedTemplateError } from '../template/unsupported.ts';
import { handedOver } from './gateway-path.ts';

export type RouteMatch = {
  readonly key: string;
  readonly functionName: string;
  readonly pathParameters: Readonly<Record<string, string>> | undefined;
};

type Segment = { readonly kind: 'literal' | 'variable' | 'greedy'; readonly text: string };
type CompiledRoute = RouteModel & { readonly method: string; readonly segments: readonly Segment[] };

const DEFAULT_KEY = '$default';
const RANK = { literal: 0, variable: 1, greedy: 2 } as const;

/**
 * Chooses a route as the gateway does: literal segments before variables before `{proxy+}`, a named method before ANY,
 * and `$default` last. Paths are compared segment by segment, so `//ingest` is not `/ingest`.
 */
export function routeTable(routes: readonly RouteModel[]): (method: string, routed: string) => RouteMatch | undefined {
  const fallback = routes.find(({ key }) => key === DEFAULT_KEY);
  const compiled = routes
    .filter((route) => route !== fallback)
    .map(compile)
    .toSorted(bySpecificity);

  return (method, routed) => {
    const path = routed.split('/').slice(1);
    for (const route of compiled) {
      if (route.method !== 'ANY' && route.method !== method) continue;
      const pathParameters = match(route.segments, path);
      if (pathParameters === undefined) continue;
      const hasParameters = Object.keys(pathParameters).length > 0;
      return {
        key: route.key,
        functionName: route.functionName,
        pathParameters: hasParameters ? pathParameters : undefined,
      };
    }
    return fallback && { key: DEFAULT_KEY, functionName: fallback.functionName, pathParameters: undefined };
  };
}

function compile(route: RouteModel): CompiledRoute {
  const { method, path } = /^(?<method>[A-Z]+) \/(?<path>\S*)$/.exec(route.key)?.groups ?? {};
  if (method === undefined || path === undefined) throw new UnsupportedTemplateError(`Unsupported route ${route.key}`);
  const segments = path.split('/').map((text): Segment => {
    const { name, greedy } = /^\{(?<name>[^+}]+)(?<greedy>\+?)\}$/.exec(text)?.groups ?? {};
    if (name === undefined) return { kind: 'literal', text };
    return { kind: greedy === '+' ? 'greedy' : 'variable', text: name };
  });
  return { ...route, method, segments };
}

function bySpecificity(left: CompiledRoute, right: CompiledRoute): number {
  const length = Math.max(left.segments.length, right.segments.length);
  for (let index = 0; index < length; index += 1) {
    const ranks = [left, right].map(({ segments }) => RANK[segments[index]?.kind ?? 'literal']);
    const difference = (ranks[0] ?? 0) - (ranks[1] ?? 0);
    if (difference !== 0) return difference;
  }
  return Number(left.method === 'ANY') - Number(right.method === 'ANY');
}

function match(segments: readonly Segment[], path: readonly string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, { kind, text }] of segments.entries()) {
    const sent = kind === 'greedy' ? path.slice(index).join('/') : path[index];
    if (sent === undefined) return undefined;
    if (kind === 'literal') {
      if (sent !== text) return undefined;
      continue;
    }
    if (sent === '') return undefined;
    parameters[text] = handedOver(sent) ?? sent;
    if (kind === 'greedy') return parameters;
  }
  return path.length === segments.length ? parameters : undefined;
}
