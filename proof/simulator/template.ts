import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { synthIfStale } from '../../infra/synth-if-stale.ts';
import { readAssembly } from '../../local/template/assembly.ts';
import { readStack } from '../../local/template/stack-model.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Only the template's tables are needed here, and they depend on `infra/` alone. */
function hashOfInfra(): string {
  const hash = createHash('sha256');
  const files = readdirSync(join(ROOT, 'infra'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  for (const file of files.sort()) hash.update(readFileSync(join(ROOT, 'infra', file)));
  return hash.digest('hex').slice(0, 16);
}

/** Synthesizes only if `infra/` has changed: the code under test may change without a new bundle. */
async function assembly(): Promise<string> {
  const note = join(ROOT, 'cdk.out', `proof-${hashOfInfra()}`);
  const noted = existsSync(note) ? readFileSync(note, 'utf8') : undefined;
  if (noted !== undefined && existsSync(noted)) return noted;
  const made = await synthIfStale({ stage: 'local' });
  mkdirSync(join(ROOT, 'cdk.out'), { recursive: true });
  writeFileSync(note, made);
  return made;
}

/** The tables of the synthesized template. */
export async function tablesOfTemplate() {
  return readStack(readAssembly(await assembly(), 'Laurel-local'), {
    region: 'us-east-1',
    accountId: '000000000000',
    awsEndpoint: 'http://127.0.0.1',
    streamArnOf: (table) => `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/none`,
  }).tables;
}
