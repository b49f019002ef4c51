import type { Rulebook } from './current-rules.ts';
import type { ScoredEvent, ScoringRules } from './scoring-rules.ts';

/**
 * Facts that others report of a user, each once: the one list that ingest, storage, counts, scores, explanations and
 * documentation go through. What the rules name is here; what only older ones name is kept, and scores nothing.
 */
export type ReportedKind = {
  readonly event: string;
  /** The property that identifies the fact; null where there is one a date. */
  readonly idProperty: string | null;
  /** A line of the ledger for each: what the grant's id begins with. Null where facts are counted. */
  readonly linePrefix: string | null;
  /** Whether a personal key may send it. */
  readonly isOpen: boolean;
  readonly isScored: boolean;
};

const ID = '<id>';

/** `feed-post:` of `content:feed-post:<id>`: the category is no part of a grant's id. */
export const linePrefixOf = ({ key }: Pick<ScoredEvent, 'key'>): string | null =>
  key.endsWith(`:${ID}`) ? key.slice(key.indexOf(':') + 1, -ID.length) : null;

/** By their events. The rules in force decide, then the newest that name it. */
export function reportedKindsOf({
  inForce,
  all,
}: Pick<Rulebook, 'inForce' | 'all'>): ReadonlyMap<string, ReportedKind> {
  const entries = [...all, inForce].flatMap(({ version, events }) =>
    events.map((entry): readonly [string, ReportedKind] => [
      entry.event,
      {
        event: entry.event,
        idProperty: entry.per === 'day' ? null : (entry.id ?? null),
        linePrefix: linePrefixOf(entry),
        isOpen: entry.open === true,
        isScored: version === inForce.version,
      },
    ]),
  );
  return new Map(entries);
}

/** The entries of the rules whose facts are counted, in the order of the rules. */
export const countedEventsOf = ({ events }: Pick<ScoringRules, 'events'>): readonly ScoredEvent[] =>
  events.filter((entry) => linePrefixOf(entry) === null);

/** What a line of the ledger is by its key, whichever version of the rules named it; undefined if none did. `line` is the key without the id. */
export function lineKindOf(
  key: string,
  all: readonly ScoringRules[],
): (Pick<ScoredEvent, 'category' | 'source'> & { readonly line: string }) | undefined {
  for (const { events } of all.toReversed()) {
    for (const entry of events) {
      const line = entry.key.slice(0, -ID.length);
      if (linePrefixOf(entry) !== null && key.startsWith(line)) return { ...entry, line };
    }
  }
  return undefined;
}
