import * as z from 'zod';
import type { InvocationResult } from '../lambda/function-pool.ts';

const Report = z.object({
  batchItemFailures: z.array(z.object({ itemIdentifier: z.string().min(1) })).nullish(),
});

/**
 * Returns the failed items of a batch, by Lambda's rules. After an error, all items failed. A report with another form,
 * or with an item that was not in the batch, also fails all items. A missing or empty report means success.
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
