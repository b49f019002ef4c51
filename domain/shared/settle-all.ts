/**
 * Runs `work` over all items, at most `limit` at a time, and returns the results in the order of the items.
 *
 * Waits for everything that it started, also when something fails: a Lambda freezes whatever is left running when
 * it answers, and resumes it inside the next invocation. After a failure no further item is started; the first error
 * is thrown once all is quiet.
 */
export async function settleAll<Item, Value>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Value>,
): Promise<Value[]> {
  const [only] = items;
  if (items.length === 0) return [];
  if (items.length === 1 && only !== undefined) return [await work(only)];
  const values = new Array<Value>(items.length);
  const failures: unknown[] = [];
  const queue = items.entries();
  const runner = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return;
      try {
        values[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  if (failures.length > 0) throw failures[0];
  return values;
}
