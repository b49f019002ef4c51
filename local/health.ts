/** What became of things that a function was given, each by an id of its own. */
export type Outcome = {
  readonly failed?: readonly string[];
  readonly done?: readonly string[];
  /** They failed too often: they wait for an operator, and the function is not given them again. */
  readonly givenUp?: readonly string[];
};

export type Health = {
  /** `source` is for people: `messages of score-refresh`. */
  note(role: string, source: string, outcome: Outcome): void;
};

/** An error's text is on one line, and no longer than this: some errors tell all that they were given. */
const MAX_SHOWN = 300;

/**
 * Says once when a function begins to fail, and when it is well again: when all that failed was done after all, or given
 * up. What it does well meanwhile proves nothing, since a message that failed comes again only minutes later.
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
