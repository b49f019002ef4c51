/**
 * A whole number below 2³² from a text: always the same for one text, and as good as random over different texts. A
 * decision made with it depends only on its own name, and stays the same if another decision is removed.
 */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The same as a number in [0, 1). */
export const fractionOf = (text: string): number => hashOf(text) / 2 ** 32;

/** The items in the order of their places, such as random ones. */
export const inOrderOf = <Item>(items: readonly Item[], placeOf: (item: Item, index: number) => number) =>
  items
    .map((item, index) => ({ item, place: placeOf(item, index) }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }): Item => item);

/** A sequence of random decisions from a seed: the only source of chance in the proof tools. */
export class Chance {
  readonly #seed: string;
  #drawn = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  next(): number {
    this.#drawn += 1;
    return fractionOf(`${this.#seed}/${this.#drawn}`);
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  /** Undefined only for an empty list. */
  oneOf<Item>(items: readonly Item[]): Item | undefined {
    return items[this.below(items.length)];
  }

  of<Item>(items: readonly Item[]): Item {
    const item = this.oneOf(items);
    if (item === undefined) throw new Error('there is nothing to choose from');
    return item;
  }

  shuffled<Item>(items: readonly Item[]): readonly Item[] {
    return inOrderOf(items, () => this.next());
  }

  /** One of the names, chosen by weight. */
  weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
    const names = namesOf(weights);
    const total = names.reduce((sum, name) => sum + (weights[name] ?? 0), 0);
    let left = this.next() * total;
    for (const name of names) {
      left -= weights[name] ?? 0;
      if (left < 0) return name;
    }
    throw new Error('there is nothing to choose from');
  }
}

function namesOf<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): readonly Name[] {
  const names: Name[] = [];
  for (const name in weights) names.push(name);
  return names;
}
