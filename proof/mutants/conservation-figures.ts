import { mutant, type Mutant } from './mutant.ts';

const FIGURES = 'domain/consistency-check/figures.ts';
const FIGURES_TEST = 'test/domain/consistency-check/figures.test.ts';

/** A figure that is not compared: its loss would be found by nobody. */
const figure = (name: string, find: string): Mutant =>
  mutant(`figure-${name.replaceAll(' ', '-')}`, `${name}: compared`, FIGURES, [find, ''], FIGURES_TEST);

/** What holds that each figure of metrics, scores and balances is compared. */
export const conservationFigureMutants: readonly Mutant[] = [
  mutant(
    'only-one-has-it',
    'a figure that only one side has differs',
    FIGURES,
    ['[...new Set([...expected.keys(), ...found.keys()])]', '[...expected.keys()]'],
    FIGURES_TEST,
  ),
  mutant(
    'readable-figures',
    'a figure that is reported is short enough to read',
    FIGURES,
    ["typeof figure === 'string' && figure.length > LONGEST_TEXT", "typeof figure === 'string' && figure.length < 0"],
    FIGURES_TEST,
  ),
  figure('events', "    ['events', eventsIn(metrics)],\n"),
  figure('owned devices', "    ['owned devices', ownedDevices],\n"),
  figure('borrowed devices', "    ['borrowed devices', sentFrom.join(' ')],\n"),
  figure('issues', "    ['issues', reports.issues.count],\n"),
  figure('last issue', "    ['last issue', reports.issues.lastHour],\n"),
  figure('sign-ins', "    ['sign-ins', reports.signIns.count],\n"),
  figure('last sign-in', "    ['last sign-in', reports.signIns.lastHour],\n"),
  figure('publishes', "    ['publishes', registry.publishes],\n"),
  figure('pulls', "    ['pulls', registry.pulls],\n"),
  figure('sealed sum', '    ...figuresOfFold(`the days through ${sealedThrough}`, sealed),\n'),
  figure('open days', '    ...[...open].flatMap(([date, fold]) => [...figuresOfFold(date, fold)]),\n'),
  figure('last hour', '  if (lastHour !== null) yield [`last hour of ${part}`, lastHour];\n'),
  figure('events by name', '  for (const [name, count] of events) yield [`events of ${part}, ${name}`, count];\n'),
  figure('commands', '    yield [`command ${name} of ${part}`, total];\n'),
  figure('successes', '    yield [`successes of command ${name} of ${part}`, successes];\n'),
  figure(
    'active dates',
    "  if (activeDays.length > 0) yield [`active dates of ${part}`, activeDays.map(dateOfDayNumber).join(' ')];\n",
  ),
  figure('canonical score', "    ['canonicalScore', score.canonicalScore],\n"),
  figure('activity score', "    ['activityScore', score.activityScore],\n"),
  figure('tier', "    ['tier', score.tier],\n"),
  figure('next change', "    ['nextChangeOn', score.nextChangeOn],\n"),
  figure('points', '    ...contributions.map(({ key, points }) => [`points of ${key}`, points] as const),\n'),
  figure(
    'inputs',
    `    ...contributions.flatMap(({ key, inputs }) =>
      [...inputs].map(([name, count]) => [\`\${name} of \${key}\`, count] as const),
    ),\n`,
  ),
  figure('counted lines', "    ['lines that the score counts', balance.seq],\n"),
  figure('counted points', "    ['points that the score counts', balance.totalScore],\n"),
  figure('counted totals', "    ...totals('points that the score counts', balance),\n"),
  figure(
    'listed grants',
    '    ...listed.map((single) => [`points of ${single.key}`, pointsOfSingle(single)] as const),\n',
  ),
  figure('older grants', "    ['grants that are not listed', older.count],\n"),
  figure(
    'older points',
    '    ...[...older.points].map(([source, points]) => [`points that are not listed, source ${source}`, points] as const),\n',
  ),
  figure('balance', "    ['balance', balance.totalScore],\n"),
  figure('lines of the balance', "    ['lines of the balance', balance.seq],\n"),
  figure('totals of the balance', "    ...totals('balance', balance),\n"),
  figure('chain head', "    ['chain head of the balance', balance.head],\n"),
  figure('contributions of the balance', "    ['contributions of the balance', balance.contributions],\n"),
  figure('publish points', "    ['publish points of the balance', balance.publishPoints],\n"),
  figure(
    'categories',
    '    ...[...categoryTotals].map(([name, points]) => [`${what}, category ${name}`, points] as const),\n',
  ),
  figure(
    'sources',
    '    ...[...sourceTotals].map(([name, points]) => [`${what}, source ${name}`, points] as const),\n',
  ),
];
