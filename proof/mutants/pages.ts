import { mutant, type Mutant } from './mutant.ts';

const PAGES_TEST = 'test/pages/serve-pages.test.ts';
const IMAGES_TEST = 'test/pages/images.test.ts';
const LEDGER_TEST = 'test/pages/check-ledger.test.ts';

/** Guards of the pages: strangers' texts, what is not the reader's, and the check of a ledger in a browser. */
export const pageMutants: readonly Mutant[] = [
  mutant(
    'unseen-text',
    "a stranger's text hides nothing and turns nothing around",
    'pages/format.ts',
    ['text.replaceAll(UNSEEN,', "text.replaceAll('',"],
    PAGES_TEST,
    'shows a hostile text as text',
  ),
  mutant(
    'text-of-images',
    "a stranger's text breaks no image",
    'pages/images/images.ts',
    ['const shown = visible(text);', 'const shown = text;'],
    IMAGES_TEST,
    'show a hostile text as text',
  ),
  mutant(
    'hidden-in-new-snapshots',
    'who is hidden is on no board that is built',
    'domain/leaderboards/build-boards.ts',
    ['if (standing.isHidden === true) {', "if (standing.username === '') {"],
    'test/scenarios/leaderboards.test.ts',
    'leave out an account that chose to be hidden',
  ),
  mutant(
    'line-of-ledger',
    'a changed line is found in the browser of the reader',
    'pages/check-ledger.ts',
    ['[computed === hash,', '[computed !== undefined,'],
    LEDGER_TEST,
    'was flipped',
  ),
];
