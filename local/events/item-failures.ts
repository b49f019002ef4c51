import * as z from 'zod';
import type { InvocationResult } from '../lambda/function-pool.ts';

const Report = z.object({
  batchItemFailures: z.array(z.object({ itemIdentifier: z.string().min(1) })).nullish(),
});

/**
 * Which of a batch's items failed, as Lambda reads an answer: an error fails all; so does a report that has another
 * form or names an item that was not in the batch; no report at all, or an empty one, is a success.
 */
export function failedItems(
  result: InvocationResult,
  items: readonly string[],
  reportsItemFailures: boolean,
): ReadonlySet<string> {
  if (!result.ok) return new Set(items);
  if (!reportsItemFailures) return new Set();
  const answer: unknown = JSON.parse(result.payload);
  if (answer === null || answer === '') return new Set();
  const { data } = Report.safeParse(answer);
  if (data === undefined) return new Set(items);
  const named = (data.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier);
  return new Set(named.every((item) => items.includes(item)) ? named : items);
}
