/**
 * A metric in code is one entry in one file, its oracle included: the example of docs/developing.md is built in, rolled up, answered, and
 * compared with its oracle.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { countedIn, rowsByHour } from '../../proof/model/metrics.ts';
import { temporaryDirectory } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const HOUR = '2026-08-21T11';
const [, entry = ''] = /```ts\n(\{\n  name: 'FAILED_INVOCATION'[\s\S]*?)```/u.exec(
  readFileSync(join(ROOT, 'docs', 'developing.md'), 'utf8'),
)!;

it('a new metric counts what its oracle counts', async () => {
  const directory = temporaryDirectory();
  const outfile = join(directory, 'metrics.mjs');
  await build({
    stdin: {
      contents: `export { communityMetrics } from './domain/metrics/catalog.ts';
        export { foldCommunityHour } from './domain/metrics/hour-fold.ts';
        export { setHour, totalsOf } from './domain/metrics/rolled-up-day.ts';`,
      resolveDir: ROOT,
    },
    ...{ outfile, bundle: true, platform: 'node', format: 'esm', mainFields: ['module', 'main'] },
    plugins: [
      {
        name: 'one more metric',
        setup({ onLoad }) {
          onLoad({ filter: /metrics\/catalog\.ts$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8').replace('const METRICS = [', `const METRICS = [${entry}`),
            loader: 'ts',
          }));
        },
      },
    ],
    absWorkingDir: ROOT,
  });
  const { communityMetrics, foldCommunityHour, setHour, totalsOf } = await import(pathToFileURL(outfile).href);
  rmSync(directory, { recursive: true });
  const kinds = ['model failed', 'model ok', 'run failed', 'run failed'].map((kind) => `cli_invocation ${kind}`);
  const events = [...kinds, 'my_event'].map((kind, n) => ({
    ...{ deviceId: 'laptop', hour: HOUR, id: `${n}`.padStart(16, '0'), kind, sender: null },
  }));
  const kindOf = (text: string) => {
    const [event, command = null, outcome = 'ok'] = text.split(' ');
    return { event, command, success: outcome === 'ok' };
  };
  const hour = foldCommunityHour(
    {
      devices: [{ deviceId: 'laptop', events: events.map(({ kind, ...event }) => ({ ...event, kind: kindOf(kind) })) }],
      ...{ newDevices: [], versions: [], pulls: [], grants: [] },
    },
    (text: string) => text.padEnd(16),
  );
  const nothing = { date: HOUR.slice(0, 10), series: new Map(), sets: new Map(), rolledUpAt: new Map() };
  const total = totalsOf(setHour(nothing, HOUR, hour, `${HOUR}:00:00.000Z`)).get('FAILED_INVOCATION');
  const counted = countedIn({ events, devices: [], versions: [], pulls: [], lines: [] }, communityMetrics);

  expect(total).toEqual({ eventCount: 3n, valueSum: 0n });
  expect(rowsByHour(counted).get(HOUR)).toContain('FAILED_INVOCATION 3 0');
  expect(communityMetrics[0]).toMatchObject({ field: 'failed_invocations' }); // answers and their documentation loop over it
});
