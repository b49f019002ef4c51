import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** The reader's folder, which contains the stack's data. */
const folder = mkdtempSync(join(tmpdir(), 'laurel-walk-'));
let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ dataDirectory: join(folder, '.laurel') });
  stack.publish();
});
afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

const blocksOf = (page: string): readonly (readonly [string, string])[] =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```(sh[^\n]*)\n(.*?)^```$/gmsu)].map(
    ([, fence = '', block = '']) => [fence, block],
  );
/** The blocks of a page to paste into a terminal while the stack runs: those marked `sh run`. */
const pasted = (page: string): string =>
  blocksOf(page)
    .filter(([fence]) => fence === 'sh run')
    .map(([, block]) => block)
    .join('');
const allPages = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT }).toString().trim().split('\n');
const pages = allPages.filter((page) => pasted(page) !== '');

/**
 * Retries instead of a reader's patience: a 404 is asked again until the data is there, and boards are built before
 * each request.
 */
const CURL = `
curl() {
  local answer status tries=0
  while :; do
    case "$*" in */v1/leaderboards*) command curl -s -o /dev/null -d '{}' "$RANKER" ;; esac
    answer=$(command curl -s -w '\\n%{http_code}' "$@")
    status=\${answer##*$'\\n'}
    tries=$((tries + 1))
    if [ "$status" != 404 ] || [ $tries = 100 ] || [ "$1" = -X ]; then break; fi
    sleep 0.2
  done
  echo "$status $*" >> answers
  printf '%s' "\${answer%$'\\n'*}"
}
`;

async function walk(page: string): Promise<readonly string[]> {
  const script = pasted(page).replaceAll('http://127.0.0.1:8787', stack.baseUrl);
  const RANKER = `${stack.lambdaEndpoint}/2015-03-31/functions/${stack.functions['rank-leaderboards']}/invocations`;
  rmSync(join(folder, 'answers'), { force: true });
  await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', CURL + script], {
    cwd: folder,
    env: { ...process.env, RANKER },
  });
  const answers = readFileSync(join(folder, 'answers'), 'utf8').trimEnd();
  // The answers of multi-line bodies span several lines.
  return answers.split('\n').filter((line) => /^\d{3} /u.test(line));
}

describe('a block to paste', () => {
  it('is marked if it is for the local stack', () => {
    const local = allPages.flatMap((page) => blocksOf(page).filter(([, block]) => block.includes('127.0.0.1:8787')));

    expect(new Set(local.map(([fence]) => fence))).toEqual(new Set(['sh run']));
    expect(pages).toEqual(['README.md', 'docs/tour.md']);
  });

  it.each([...pages, ...pages])('runs unchanged, also again on the same data: %s', async (page) => {
    const answers = await walk(page);

    expect(answers.filter((line) => !line.startsWith('2'))).toEqual([]);
    expect(answers).toHaveLength([...pasted(page).matchAll(/\bcurl -|\bcurl "?\$/gu)].length);
  });

  it.each(pages)('has no placeholders, and uses no GNU-only options: %s', (page) => {
    expect(pasted(page)).not.toMatch(/<\w+>|date -[a-z]*d\b/u);
  });
});
