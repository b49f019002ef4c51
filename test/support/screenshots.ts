import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beginScript } from '../../local/script.ts';
import { startBrowser } from './browser.ts';
import { spawnLaurel, temporaryDirectory } from './stack.ts';

/** Takes the pictures of the documentation, from the sample community: `npm run screenshots`. */
const IMAGES = join(import.meta.dirname, '..', '..', 'docs', 'images');

const PAGES = [
  { name: 'board', path: '/' },
  { name: 'person', path: '/people/alder?open=telemetry:activity' },
  { name: 'community', path: '/community' },
  { name: 'rules', path: '/rules' },
] as const;
const LOOKS = [
  { look: 'light', colorScheme: 'light', width: 1_100, height: 820 },
  { look: 'dark', colorScheme: 'dark', width: 1_100, height: 820 },
  { look: 'small', colorScheme: 'light', width: 320, height: 720 },
] as const;

beginScript();
const dataDirectory = temporaryDirectory();
const laurel = spawnLaurel(dataDirectory);
const browser = await startBrowser();
try {
  const { baseUrl, lambdaEndpoint, functions } = await laurel.ready();
  const invoke = async (role: string, event: object): Promise<any> => {
    const url = `${lambdaEndpoint}/2015-03-31/functions/${functions[role]}/invocations`;
    return (await fetch(url, { method: 'POST', body: JSON.stringify(event) })).json();
  };
  // Rolls up all days now. Otherwise they would follow in the next minutes, the older ones last.
  await invoke('roll-up-metrics', {});
  const dateBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  const days = { mode: 'metrics', from: dateBefore(60), to: dateBefore(30) };
  let run = await invoke('backfill', days);
  // An answer without a run is a failure: the roll-ups of the import came first too often. Then the backfill begins again.
  while (run.status !== 'done') run = await invoke('backfill', 'runId' in run ? { runId: run.runId } : days);
  mkdirSync(IMAGES, { recursive: true });
  for (const { look, colorScheme, width, height } of LOOKS) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    for (const { name, path } of PAGES) {
      await page.goto(`${baseUrl}${path}`, { waitUntil: 'networkidle' });
      await page.screenshot({ path: join(IMAGES, `${name}-${look}.png`) });
    }
    await context.close();
  }
} finally {
  await browser.close();
  await laurel.end('SIGTERM');
  rmSync(dataDirectory, { recursive: true, force: true });
}
