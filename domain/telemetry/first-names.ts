/**
 * The names under which things of repositories were first known. `acme/tool#12` identifies a fact, and a repository may
 * be renamed later, or an issue transferred: facts keep the first name, and later names lead to it.
 */
export type FirstNames = {
  /** Where a name leads, read strongly consistent; undefined if it is nobody's yet. */
  find(name: string): Promise<string | undefined>;
  /** Lets names lead somewhere, all or none. False if one of them leads somewhere already. */
  keep(names: ReadonlyMap<string, string>): Promise<boolean>;
};

const OF_REPOSITORY = /^(?<repository>[A-Za-z0-9_.-]+\/[A-Za-z0-9_.~-]+)(?<within>[#@].+)$/u;

/** An identity as it is stored: the name of a repository is the same in any case of its letters. */
export const foldedId = (id: string): string => {
  const { repository, within } = OF_REPOSITORY.exec(id)?.groups ?? {};
  return repository === undefined ? id : repository.toLowerCase() + String(within);
};

/** The identity that a fact has: under the first name of its repository, and before any transfer. */
export async function firstIdOf({ find }: Pick<FirstNames, 'find'>, id: string): Promise<string> {
  const { repository, within } = OF_REPOSITORY.exec(id)?.groups ?? {};
  if (repository === undefined) return id;
  const named = ((await find(repository)) ?? repository) + String(within);
  return (await find(named)) ?? named;
}
