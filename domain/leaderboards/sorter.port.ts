/** Sorts more than memory holds. Used once: everything is added, then read, then it is closed, also after an error. */
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
