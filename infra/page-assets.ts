import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';

const PAGES = join(import.meta.dirname, '..', 'pages');

/** Of the domain a browser takes functions only: what else is in their files, schemas above all, stays behind. */
const pure: Plugin = {
  name: 'pure',
  setup({ onResolve }) {
    onResolve({ filter: /\/domain\/|\/shared\// }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path),
      sideEffects: false,
    }));
  },
};

/**
 * Writes what the pages load into a directory: each file under a name with a hash of its content, as it is and compressed,
 * and a manifest that says which is which.
 */
export async function buildPageAssets(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const { metafile } = await build({
    entryPoints: {
      page: join(PAGES, 'client', 'main.tsx'),
      style: join(PAGES, 'style.css'),
      icon: join(PAGES, 'icon.svg'),
    },
    outdir: directory,
    entryNames: '[name].[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    plugins: [pure],
    minify: true,
    format: 'esm',
    target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
    metafile: true,
    logLevel: 'warning',
  });
  const names = Object.keys(metafile.outputs).map((path) => basename(path));
  for (const name of names) {
    const content = readFileSync(join(directory, name));
    const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
    writeFileSync(join(directory, `${name}.br`), brotliCompressSync(content, best));
    writeFileSync(join(directory, `${name}.gz`), gzipSync(content, { level: 9 }));
  }
  const pathOf = (ending: RegExp) => `/assets/${names.find((name) => ending.test(name))}`;
  const manifest = { script: pathOf(/\.js$/u), style: pathOf(/\.css$/u), icon: pathOf(/\.svg$/u) };
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
}
