/** How far back a board is compared with itself. */
export type Comparison = 'day' | 'week' | 'month';

/** How a community presents itself on its pages. */
export type Site = {
  readonly name: string;
  /** Where the logo is; without one there is a laurel. */
  readonly logo?: string | undefined;
  readonly links: readonly { readonly title: string; readonly href: string }[];
  /** Names, from the lowest on. */
  readonly tiers: readonly string[];
  /** In the order of their tabs; the first is shown first. */
  readonly boards: readonly { readonly name: string; readonly title: string; readonly compare: Comparison }[];
};
