import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { community } from '#community';
import { buildPageAssets } from './page-assets.ts';

const FUNCTIONS = join(import.meta.dirname, '..', 'functions');
const HANDLER = 'handler.ts';
/** Its bundle also holds what browsers load. */
const PAGES_ROLE = 'serve-pages';

/** The community's files as a literal: they are read and checked here, and no function parses them. */
const inlined: Plugin = {
  name: 'community',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^#community$/ }, ({ path }) => ({ path, namespace: 'community' }));
    onLoad({ filter: /./, namespace: 'community' }, () => ({
      contents: `export const community = ${JSON.stringify(community)};`,
      loader: 'js',
    }));
  },
};

const bundles = await bundleAll();

/**
 * The directory of a function's code: one minified module, `index.mjs`, with the AWS SDK that was tested instead of the
 * one that the runtime happens to have. All functions are bundled at once, which reads what they share once, and as soon
 * as this module is loaded: the CDK's own construct starts a process for each of them, and `npm start` waits for it.
 */
export function bundleOf(role: string): string {
  return join(bundles, role);
}

async function bundleAll(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'laurel-bundles-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true })); // read while the app is synthesized
  const roles = readdirSync(FUNCTIONS).filter((folder) => readdirSync(join(FUNCTIONS, folder)).includes(HANDLER));
  const assets = buildPageAssets(join(directory, PAGES_ROLE, 'assets'));
  await build({
    entryPoints: roles.map((role) => ({ in: join(FUNCTIONS, role, HANDLER), out: join(role, 'index') })),
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    plugins: [inlined],
    logLevel: 'warning',
  });
  await assets;
  return directory;
}
