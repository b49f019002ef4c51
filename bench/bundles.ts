import { fork } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { scratchDirectory } from '../local/script.ts';
import { readStack } from '../local/template/stack-model.ts';
import { benchAssembly } from './engine.ts';
import { cost, median, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';

const SIZE_BUDGET_KB = 550;
const MAX_EMPTY_STARTS = 3;
const EMPTY = 'export const handler = async () => undefined;\n';

const Ready = z.tuple([z.object({ milliseconds: z.number() }), z.unknown()]);

type Bundle = { readonly role: string; readonly file: string };

async function bundles(): Promise<readonly Bundle[]> {
  const { functions } = readStack(await benchAssembly(), {
    region: 'us-east-1',
    accountId: '000000000000',
    awsEndpoint: 'http://127.0.0.1',
    streamArnOf: (table) => `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/none`,
  });
  return functions.map(({ role, codeDirectory, file }) => {
    const found = readdirSync(codeDirectory).find((name) => name === `${file}.mjs` || name === `${file}.js`);
    if (found === undefined) throw new Error(`The bundle of ${role} has no ${file}.mjs or .js`);
    return { role, file: join(codeDirectory, found) };
  });
}

/** Milliseconds of CPU until a new process has imported the handler. */
async function cpuToReady(file: string): Promise<number> {
  const child = fork(new URL('ready-handler.ts', import.meta.url), [pathToFileURL(file).href], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [{ milliseconds }] = Ready.parse(await once(child, 'message'));
  await once(child, 'exit');
  return milliseconds;
}

/** Measures each bundle's size, and the CPU of its start in units of an empty handler's, Node's own start included. */
export async function measureBundles({ rounds }: Pick<Sizes, 'rounds'>): Promise<Measurements> {
  const { path: directory, remove } = scratchDirectory('bench');
  try {
    const empty = { role: 'empty', file: join(directory, 'index.mjs') };
    writeFileSync(empty.file, EMPTY);
    const all = await bundles();
    const times = new Map([empty, ...all].map(({ role }): [string, number[]] => [role, []]));
    // In turns, so that a temporary load affects all bundles equally.
    for (let round = 0; round < rounds; round += 1) {
      for (const { role, file } of [empty, ...all]) times.get(role)?.push(await cpuToReady(file));
    }
    const timeOf = (role: string) => median(times.get(role) ?? []);
    return {
      costs: all.map(({ role, file }) =>
        cost(`${role}, bundle`, 'KB', statSync(file).size / 1_024, { budget: SIZE_BUDGET_KB }),
      ),
      ratios: all.map(({ role }) =>
        ratioAtMost(`${role}, to a ready handler, in empty ones`, timeOf(role) / timeOf('empty'), MAX_EMPTY_STARTS),
      ),
    };
  } finally {
    remove();
  }
}
