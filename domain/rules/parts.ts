import type { BoardRules } from './community.ts';
import type { ScoringRules } from './scoring-rules.ts';

/** What the contributions of one category and source bring to a score: `community/issues`. Neither word has a slash. */
export type Part = string;
type Kind = { readonly category: string; readonly source: string };

export const ACTIVITY: Kind = { category: 'activity', source: 'cli' };
export const EXTENSIONS: Kind = { category: 'content', source: 'extensions' };
export const AWARDS: Kind = { category: 'award', source: 'award' };
export const BADGES: Kind = { category: 'award', source: 'badge' };
/** Of lines that no version of the rules names. */
export const UNNAMED_LINES: Kind = { category: 'content', source: 'feed' };

export const partOf = ({ category, source }: Kind): Part => `${category}/${source}`;
export const ACTIVITY_PART = partOf(ACTIVITY);

/** Every part that a score by one of these rules may have. */
export const partsOf = (all: readonly Pick<ScoringRules, 'events'>[]): readonly Part[] => [
  ...new Set([ACTIVITY, EXTENSIONS, AWARDS, BADGES, UNNAMED_LINES, ...all.flatMap(({ events }) => events)].map(partOf)),
];

/** Whether a board counts a part: with both lists it has to be in both. */
export function countsPart({ categories, sources }: Pick<BoardRules, 'categories' | 'sources'>, part: Part): boolean {
  const [category = '', source = ''] = part.split('/');
  return (categories?.includes(category) ?? true) && (sources?.includes(source) ?? true);
}
