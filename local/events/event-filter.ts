import * as z from 'zod';
import { parseJson } from '../json.ts';
import { UnsupportedTemplateError } from '../template/unsupported.ts';

/** True if the event is delivered. */
export type EventFilter = (event: unknown) => boolean;

const Scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
/**
 * A leaf lists the accepted values. Lambda also knows `prefix`, `exists` and others, which the template does not use.
 */
const Leaf = z.array(Scalar).min(1);
const Branch = z.record(z.string(), z.unknown());

/** The filters of a mapping: an event passes if at least one filter matches, or if there are no filters. */
export function readFilters(mapping: string, patterns: readonly string[]): EventFilter {
  const filters = patterns.map((pattern) => readPattern(mapping, parseJson(pattern)));
  return (event) => filters.length === 0 || filters.some((matches) => matches(event));
}

function readPattern(mapping: string, pattern: unknown): EventFilter {
  const leaf = Leaf.safeParse(pattern).data;
  if (leaf !== undefined) return (value) => leaf.some((taken) => taken === value);
  const branch = Branch.safeParse(pattern).data;
  if (branch === undefined) {
    throw new UnsupportedTemplateError(`${mapping}: expected a filter of plain values, got ${JSON.stringify(pattern)}`);
  }
  const members = Object.entries(branch).map(([name, inner]) => [name, readPattern(mapping, inner)] as const);
  return (event) => {
    const { data } = Branch.safeParse(event);
    return data !== undefined && members.every(([name, matches]) => Object.hasOwn(data, name) && matches(data[name]));
  };
}
