import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const PAGES = join(import.meta.dirname, '..', 'pages');

/** What a community adds to the pages: more style, and the file of its logo. */
export type PageLook = { readonly style: string; readonly logo?: string | undefined };

/** The style of the pages with that of a community after it. */
const styled = (more: string): Plugin => ({
  name: 'styled',
  setup({ onLoad }) {
    onLoad({ filter: /\/pages\/style\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8') + more,
      loader: 'css',
    }));
  },
});

/** A browser loads only functions of the domain. Everything else in their files, above all schemas, is removed. */
const pure: Plugin = {
  name: 'pure',
  setup({ onResolve }) {
    onResolve({ filter: /\/domain\/|\/shared\// }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path),
      sideEffects: false,
    }));
  },
};

/** Elements as calls of `h`, their children as its arguments: smaller than what the compiler's own setting gives. */
const SMALL_JSX: BuildOptions = {
  tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment' } },
  inject: [fileURLToPath(import.meta.resolve('preact'))],
};

/** Compressed files by their names, which hold a hash of their content. */
const compressed = new Map<string, { readonly br: Uint8Array; readonly gz: Uint8Array }>();

/**
 * The files of the pages: each under a name with a hash of its content, uncompressed and compressed, and a manifest of
 * all names.
 */
export async function buildPageAssets({ style, logo }: PageLook): Promise<ReadonlyMap<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: {
      page: join(PAGES, 'client', 'main.tsx'),
      style: join(PAGES, 'style.css'),
      icon: join(PAGES, 'icon.svg'),
      ...(logo === undefined ? {} : { logo }),
    },
    outdir: PAGES,
    entryNames: '[name].[hash]',
    loader: Object.fromEntries(['.svg', '.png', '.webp', '.jpg', '.jpeg'].map((ending) => [ending, 'copy'] as const)),
    bundle: true,
    plugins: [pure, styled(style)],
    ...SMALL_JSX,
    minify: true,
    format: 'esm',
    target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
    write: false,
    logLevel: 'silent', // the caller prints the error
  });
  const files = new Map<string, Uint8Array>();
  for (const { path, contents } of outputFiles) {
    const name = basename(path);
    const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
    const { br, gz } = compressed.get(name) ?? {
      br: brotliCompressSync(contents, best),
      gz: gzipSync(contents, { level: 9, memLevel: 9 }),
    };
    compressed.set(name, { br, gz });
    files.set(name, contents).set(`${name}.br`, br).set(`${name}.gz`, gz);
  }
  const pathOf = (ending: RegExp) => `/assets/${[...files.keys()].find((name) => ending.test(name))}`;
  const manifest = {
    script: pathOf(/^page\..*\.js$/u),
    style: pathOf(/^style\..*\.css$/u),
    icon: pathOf(/^icon\..*\.svg$/u),
    ...(logo === undefined ? {} : { logo: pathOf(/^logo\./u) }),
  };
  return files.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
}
