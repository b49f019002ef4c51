import type { RulesTrial, ScoreMove } from '../domain/leaderboards/try-rules.ts';
import { counted, tableOf } from './output.ts';

/** What `--fail-on` may name: figures that a pipeline does not want to see above a number. */
const FIGURES = {
  gains: ({ gain }: RulesTrial) => gain,
  losses: ({ lose }: RulesTrial) => lose,
  'tier-losses': ({ tierLosses }: RulesTrial) => tierLosses,
  'rank-changes': ({ rankChanges }: RulesTrial) => rankChanges,
} as const;
type Figure = keyof typeof FIGURES;

export type Limit = { readonly figure: Figure; readonly most: number };
const isFigure = (text: string): text is Figure => Object.hasOwn(FIGURES, text);

export const EXPECTED_LIMITS = `expected ${Object.keys(FIGURES).join(', ')}, each with >N or without; separated by commas`;

/** `tier-losses,rank-changes>10`; undefined where it is no such text. */
export function limitsOf(text: string): readonly Limit[] | undefined {
  const limits = text.split(',').map((part): Limit | undefined => {
    const [, figure = '', most = '0'] = /^\s*([a-z-]+)\s*(?:>\s*(\d{1,12}))?\s*$/u.exec(part) ?? [];
    return isFigure(figure) ? { figure, most: Number(most) } : undefined;
  });
  const known = limits.filter((limit) => limit !== undefined);
  return known.length === limits.length ? known : undefined;
}

/** A sentence for each limit that the trial is above. */
export const brokenLimits = (trial: RulesTrial, limits: readonly Limit[]): readonly string[] =>
  limits
    .map(({ figure, most }) => ({ figure, most, found: FIGURES[figure](trial) }))
    .filter(({ found, most }) => found > most)
    .map(({ figure, most, found }) => `${figure}: ${found}, at most ${most} wanted`);

const signed = (change: number): string => (change > 0 ? `+${change}` : String(change));
const moveText = (rankNow: number | null, rank: number): string => {
  if (rankNow === null) return 'new';
  return rankNow === rank ? '' : signed(rankNow - rank);
};
const reasonsText = ({ reasons }: ScoreMove): string =>
  reasons.map(({ key, from, to }) => `${key} ${from} → ${to}`).join(', ');

const title = ({ inForce, tried }: RulesTrial): string => `Version ${tried} of the rules in place of ${inForce}`;
const summary = ({ accounts, gain, lose, stay, tierLosses, rankChanges }: RulesTrial): string =>
  `${counted(accounts, 'account')}: ${gain} gain, ${lose} lose, ${stay} stay. ` +
  `${tierLosses} would be in a lower tier, ${rankChanges} would have another rank.`;

type Section = {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
};

function sectionsOf(trial: RulesTrial): readonly Section[] {
  const moves = (name: string, list: readonly ScoreMove[]): Section => ({
    title: name,
    head: ['username', 'from', 'to', 'change', 'reasons'],
    rows: list.map((move) => [move.username, move.from, move.to, signed(move.to - move.from), reasonsText(move)]),
  });
  return [
    moves('Largest gains', trial.largestGains),
    moves('Largest losses', trial.largestLosses),
    {
      title: 'Tiers',
      head: ['from', 'to', 'accounts', 'who'],
      rows: trial.tiers.map(({ from, to, accounts, first }) => [
        from,
        to,
        accounts,
        first.join(', ') + (accounts > first.length ? ', …' : ''),
      ]),
    },
    ...trial.boards.map((board) => ({
      title: `Board ${board.board}: ${board.title}`,
      head: ['rank', 'username', 'points', 'move'],
      rows: board.rows.map(({ rank, username, points, rankNow }) => [rank, username, points, moveText(rankNow, rank)]),
    })),
  ].filter(({ rows }) => rows.length > 0);
}

export const trialText = (trial: RulesTrial): string =>
  [
    title(trial),
    summary(trial),
    ...(trial.skipped === 0
      ? []
      : [`${counted(trial.skipped, 'account')} could not be tried: nothing is folded of them yet.`]),
    ...sectionsOf(trial).flatMap((section) => ['', section.title, tableOf(section.head, section.rows)]),
  ].join('\n');

const escaped = (text: string | number): string =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** One page to show to a community: it loads nothing, and names nobody beyond the lists. */
export function trialPage(trial: RulesTrial, community: string): string {
  const cells = (tag: string, row: readonly (string | number)[]) =>
    `<tr>${row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const sections = sectionsOf(trial).map(
    (section) =>
      `<h2>${escaped(section.title)}</h2>\n<table>\n<thead>${cells('th', section.head)}</thead>\n` +
      `<tbody>\n${section.rows.map((row) => cells('td', row)).join('\n')}\n</tbody>\n</table>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(community)}: ${escaped(title(trial))}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #111; } th, td { border-color: #333; } }
</style>
<h1>${escaped(title(trial))}</h1>
<p>${escaped(summary(trial))}</p>
<p>Computed on ${escaped(trial.date)} from what is stored. Nothing was changed.</p>
${sections.join('\n')}
</html>
`;
}
