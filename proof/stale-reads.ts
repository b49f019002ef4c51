import { isDeepStrictEqual } from 'node:util';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';

type Item = Record<string, AttributeValue>;

const Items = z.array(z.custom<Item>());
const Output = z.looseObject({
  Item: z.custom<Item>().optional(),
  Items: Items.optional(),
  Responses: z.record(z.string(), Items).optional(),
});
const Asked = z.looseObject({ ConsistentRead: z.boolean().optional() });
const AskedTogether = z.object({ RequestItems: z.record(z.string(), Asked) });
const Sent = z.looseObject({ output: z.custom<z.infer<typeof Output>>() });

const READS: ReadonlySet<string> = new Set(['GetItemCommand', 'QueryCommand', 'BatchGetItemCommand']);

/**
 * Answers reads that did not ask for strong consistency as DynamoDB may: each item as it was at any time before, or as
 * if it was not there yet. It knows the states that reads have found.
 */
export class StaleReads {
  readonly #states = new Map<string, Item[]>();
  readonly #choose: (states: number) => number;
  /** How many items were not given as they were. */
  given = 0;

  /** `choose` gives a number below the given one: 0 for the present state, the highest for none. */
  constructor(choose: (states: number) => number) {
    this.#choose = choose;
  }

  /** Changes the answer of a read. */
  change(command: string, input: object, sent: unknown): void {
    if (!READS.has(command)) return;
    const { output } = Sent.parse(sent);
    const { Item, Items, Responses } = Output.parse(output);
    const isStrong = Asked.parse(input).ConsistentRead === true;
    if (Item !== undefined) output.Item = this.#asRead([Item], isStrong)[0];
    if (Items !== undefined) output.Items = this.#asRead(Items, isStrong);
    for (const [table, items] of Object.entries(Responses ?? {})) {
      const asked = AskedTogether.parse(input).RequestItems[table];
      output.Responses = { ...output.Responses, [table]: this.#asRead(items, asked?.ConsistentRead === true) };
    }
  }

  #asRead(items: readonly Item[], isStrong: boolean): Item[] {
    return items.flatMap((item) => {
      const key = JSON.stringify([item.pk, item.sk]);
      const states = this.#states.get(key) ?? [];
      this.#states.set(key, states);
      if (!isDeepStrictEqual(states.at(-1), item)) states.push(item);
      if (isStrong) return [item];
      const back = this.#choose(states.length + 1);
      if (back > 0) this.given += 1;
      const state = states.at(-1 - back);
      return state === undefined ? [] : [state];
    });
  }
}
