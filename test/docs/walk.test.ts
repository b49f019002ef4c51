import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Where somebody pastes: beside the stack's data. */
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

/** What of a page is to be pasted into a terminal while the stack runs. */
const pasted = (page: string): string =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```sh\n(.*?)^```$/gmsu)]
    .map(([, block = '']) => block)
    .filter((block) => block.includes('curl '))
    .join('');

/** In place of a reader's patience: what follows later is asked for until it is there, and boards are built before that. */
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
  // A body of many lines is logged as such.
  return answers.split('\n').filter((line) => /^\d{3} /u.test(line));
}

describe('what is to be pasted', () => {
  it.each(['README.md', 'docs/tour.md', 'docs/tour.md'])(
    'runs as it is, again on the same data, too: %s',
    async (page) => {
      const answers = await walk(page);

      expect(answers.filter((line) => !line.startsWith('2'))).toEqual([]);
      expect(answers).toHaveLength([...pasted(page).matchAll(/\bcurl -|\bcurl "?\$/gu)].length);
    },
  );

  it.each(['README.md', 'docs/tour.md'])(
    'asks the reader to fill nothing in, and for no option of GNU alone: %s',
    (page) => {
      expect(pasted(page)).not.toMatch(/<\w+>|date -[a-z]*d\b/u);
    },
  );
});
