import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { community, pageLook } from '#community';
import { openBundler } from './bundler.ts';

/** A directory with the bundles of these sources, of a test run that has them already. */
const { LAUREL_BUNDLES: existing = '' } = process.env;
const bundles = existing === '' ? await writeBundles() : existing;

/**
 * The directory of a function's code. All functions are bundled when this module is loaded, because the CDK's own
 * construct would start a process per function, and `npm start` waits for it.
 */
export function bundleOf(role: string): string {
  return realpathSync(join(bundles, role));
}

async function writeBundles(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'laurel-bundles-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true })); // read while the app is synthesized
  const { bundle, close } = await openBundler({
    community: () => community,
    look: () => pageLook,
    logLevel: 'warning',
  });
  for (const [path, contents] of await bundle()) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), contents);
  }
  await close();
  return directory;
}
