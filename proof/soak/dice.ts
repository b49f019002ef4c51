import { createHash } from 'node:crypto';

/** A sequence of decisions from a seed: the same seed gives the same traffic. */
export class Dice {
  readonly #seed: string;
  #thrown = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** In [0, 1). */
  fraction(): number {
    this.#thrown += 1;
    const digest = createHash('sha256').update(`${this.#seed}/${this.#thrown}`).digest();
    return digest.readUInt32BE() / 2 ** 32;
  }

  isBelow(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** Undefined only for an empty list. */
  oneOf<Item>(items: readonly Item[]): Item | undefined {
    return items[this.between(0, items.length - 1)];
  }

  shuffled<Item>(items: readonly Item[]): readonly Item[] {
    return items
      .map((item) => ({ item, place: this.fraction() }))
      .sort((a, b) => a.place - b.place)
      .map(({ item }) => item);
  }

  /** One of the names, chosen by weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries<number>(weights).filter((entry): entry is [Name, number] => entry[0] in weights);
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.fraction() * total;
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    throw new Error('there is nothing to choose from');
  }
}
