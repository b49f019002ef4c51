import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from '../local/script.ts';
import { readStack, type FunctionModel } from '../local/template/stack-model.ts';
import { benchAssembly } from './engine.ts';
import { cpuToAnswer, FIRST_EVENTS, nearlyEmptyStore, programIn } from './first-answers.ts';
import { cost, ratioAtMost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';

/** The same bound as in `test/infra/functions.test.ts`. */
const SIZE_BUDGET_KB = 350;
const MAX_EMPTY_STARTS = 4;
/**
 * The CPU until a function's first answer, in units of an empty start. `release`: that of 28 November (`bfffadf`),
 * measured in turns with today's bundles. `share`: the largest part of it that is allowed. The aim is 0.6. Decision
 * 0067 says why not every function reaches it.
 */
const FIRST_ANSWERS: ReadonlyMap<string, { readonly release: number; readonly share: number }> = new Map([
  ['ingest-telemetry', { release: 7.2, share: 0.72 }],
  ['read-api', { release: 7.9, share: 0.6 }],
  ['confirm-publish', { release: 6.9, share: 0.68 }],
  ['refresh-score', { release: 7.1, share: 0.67 }],
]);
const EMPTY = 'export const handler = async () => undefined;\n';

type Bundle = Pick<FunctionModel, 'role' | 'name' | 'environment' | 'memoryMb'> & { readonly file: string };

async function bundles(): Promise<readonly Bundle[]> {
  const { functions } = readStack(await benchAssembly(), {
    region: 'us-east-1',
    accountId: '000000000000',
    awsEndpoint: 'http://127.0.0.1',
    streamArnOf: (table) => `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/none`,
  });
  return functions.map((model) => {
    const { role, codeDirectory, file } = model;
    const found = readdirSync(codeDirectory).find((name) => name === `${file}.mjs` || name === `${file}.js`);
    if (found === undefined) throw new Error(`The bundle of ${role} has no ${file}.mjs or .js`);
    return { ...model, file: join(codeDirectory, found) };
  });
}

/**
 * Measures each bundle's size, and the CPU of its start in units of an empty handler's, Node's own start included: until it is
 * loaded, and for some until the first answer.
 */
export async function measureBundles({ rounds }: Pick<Sizes, 'rounds'>): Promise<Measurements> {
  const { path: directory, remove } = scratchDirectory('bench');
  const store = await nearlyEmptyStore();
  try {
    const empty = { role: 'empty', name: 'empty', environment: {}, memoryMb: 512, file: join(directory, 'index.mjs') };
    writeFileSync(empty.file, EMPTY);
    const program = programIn(directory);
    const all = await bundles();
    const starts = [
      ...[empty, ...all].map((bundle) => ({ bundle, event: undefined, name: `${bundle.role}, to a ready handler` })),
      ...all.flatMap((bundle) => {
        const event = FIRST_EVENTS[bundle.role];
        return event === undefined ? [] : [{ bundle, event, name: `${bundle.role}, to its first answer` }];
      }),
    ];
    const times = new Map(starts.map(({ name }): [string, number[]] => [name, []]));
    // In turns, so that a temporary load affects all bundles equally.
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, bundle, event } of starts) {
        times
          .get(name)
          ?.push(await cpuToAnswer({ program, endpoint: store.endpoint, model: bundle, event: event?.() }));
      }
    }
    const timeOf = (name: string) => Math.min(...(times.get(name) ?? [])); // load only adds to it
    return {
      costs: all.map(({ role, file }) =>
        cost(`${role}, bundle`, 'KB', statSync(file).size / 1_024, { budget: SIZE_BUDGET_KB }),
      ),
      ratios: starts.slice(1).map(({ name, bundle, event }) => {
        const { release, share } = FIRST_ANSWERS.get(bundle.role) ?? { release: 0, share: 0 };
        const most = event === undefined ? MAX_EMPTY_STARTS : release * share;
        return ratioAtMost(`${name}, in empty ones`, timeOf(name) / timeOf('empty, to a ready handler'), most);
      }),
    };
  } finally {
    store.close();
    remove();
  }
}
