/** The results of the items that a function received, each by its id. */
export type Outcome = {
  readonly failed?: readonly string[];
  readonly done?: readonly string[];
  /** Items that failed too often. They wait for an operator and are not delivered again. */
  readonly givenUp?: readonly string[];
};

export type Health = {
  /** `source` is shown to people: `messages of score-refresh`. */
  note(role: string, source: string, outcome: Outcome): void;
};

/** The maximum length of a printed error. Some errors repeat their whole input. */
const MAX_SHOWN = 300;

/**
 * Reports when a function starts to fail, and when it has recovered: when every failed item has succeeded or was given
 * up. Other successes meanwhile prove nothing, because a failed message is delivered again only minutes later.
 */
export function watchHealth({
  say,
  lastError,
}: {
  readonly say: (sentence: string) => void;
  readonly lastError: (role: string) => string | undefined;
}): Health {
  const open = new Map<string, { readonly items: Set<string>; givenUp: number }>();

  return {
    note(role, source, { failed = [], done = [], givenUp = [] }) {
      const isNew = !open.has(role);
      const failing = open.get(role) ?? { items: new Set<string>(), givenUp: 0 };
      for (const item of failed) failing.items.add(item);
      if (failed.length + givenUp.length > 0 && isNew) {
        open.set(role, failing);
        const error = lastError(role)?.replaceAll(/\s+/g, ' ').slice(0, MAX_SHOWN) ?? 'its log has no error';
        say(`${role} began to fail at ${source}: ${error}`);
      }
      for (const item of [...done, ...givenUp]) failing.items.delete(item);
      failing.givenUp += givenUp.length;
      if (!open.has(role) || failing.items.size > 0) return;
      open.delete(role);
      const left =
        failing.givenUp === 0 ? '' : `; ${failing.givenUp} of the ${source} were given up, and wait for an operator`;
      say(`${role} is well again${left}`);
    },
  };
}
