/**
 * Sorts more than memory holds. Everything is added first, then read, any number of times; then it is closed, also after
 * an error.
 */
export type Sorter<Item> = {
  add(item: Item): void;
  sorted(): Iterable<Item>;
  close(): void;
};

export type NewSorter = <Item>(how: {
  readonly compare: (a: Item, b: Item) => number;
  /** One line of text, without a line break, and back. */
  readonly pack: (item: Item) => string;
  readonly unpack: (line: string) => Item;
}) => Sorter<Item>;

const asItIs = (line: string): string => line;

/** How lines of text are sorted, by their UTF-16 units. */
export const LINES = {
  compare: (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0),
  pack: asItIs,
  unpack: asItIs,
} as const;
