import type { UsernamePage } from '../backfill/username-source.port.ts';

/** Part `index` of `of` equal ones. */
export type Part = { readonly index: number; readonly of: number };

/** A place that names users, readable in as many parts as one likes. */
export type UserPlace = {
  /** Part of positions that are handed out: never changed. */
  readonly name: string;
  /** Whether every user that it names has a score. The other places name many of the same users. */
  readonly isOfScores: boolean;
  /** Into how many parts it is divided so that one of them is an hour's work. */
  parts(): Promise<number>;
  page(part: Part, position: string | null): Promise<UsernamePage>;
};
