import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, relative } from 'node:path';
import { runInThisContext } from 'node:vm';
import { build, type BuildOptions, context, type Plugin } from 'esbuild';
import { buildPageAssets, type PageLook } from './page-assets.ts';
import { withoutUnused } from './sdk-parts.ts';

const PROJECT_ROOT = join(import.meta.dirname, '..');
const FUNCTIONS = join(PROJECT_ROOT, 'functions');
const HANDLER = 'handler.ts';
/** Large parts of a bundle that few starts need. They have files of their own beside it. */
const LATER = [
  { source: 'functions/read-api/all-routes.ts', file: 'read-api/all-routes' }, // the schemas of all routes
  { source: 'pages/render.tsx', file: 'serve-pages/render' }, // all that is drawn
];
/** A module whose list of paths is computed from all routes. */
const PATHS = 'functions/forward-request/paths.ts';
/** Its bundle also holds what browsers load. */
const PAGES_ROLE = 'serve-pages';

/**
 * Where an assembly is. The bundles of a function must be as deep below the project as `cdk.out/assembly/read-api`: the paths
 * in their source maps lead from there to the sources. Nothing is written here.
 */
const ASSEMBLY = join(PROJECT_ROOT, 'cdk.out', 'assembly');

/** Files by their paths: `read-api/index.js`, its source map beside it, and what functions share if it was split off. */
export type Bundles = ReadonlyMap<string, Uint8Array>;

export type BundlerOptions = Pick<BuildOptions, 'logLevel' | 'splitting'> & {
  /** Reads and checks the community's files. What it throws becomes an error of the build. */
  readonly community: () => unknown;
  readonly look: () => PageLook;
};

export type Bundler = {
  /** Bundles what the sources are now. Throws esbuild's `BuildFailure` if they have an error. */
  bundle(): Promise<Bundles>;
  close(): Promise<void>;
};

/** Without it, Node would read `index.js` as an ES module, because of the project's own package.json. */
const COMMON_JS = Buffer.from('{"type":"commonjs"}');

/**
 * Bundles every function into one minified script, with the AWS SDK that was tested instead of the one that the runtime
 * happens to have. A CommonJS script loads faster than an ES module, which evaluates all of the built-in modules that it
 * names. The source map has no sources in it and is read only if a stack trace is looked at. All functions are bundled at
 * once, which reads what they share once. With `splitting`, it is also written once, which takes a quarter of the time
 * and needs ES modules.
 */
export async function openBundler({
  community,
  look,
  splitting = false,
  ...options
}: BundlerOptions): Promise<Bundler> {
  const form = splitting
    ? ({ splitting, format: 'esm', outExtension: { '.js': '.mjs' } } as const)
    : ({
        format: 'cjs',
        supported: { 'dynamic-import': false },
        define: { 'import.meta.dirname': '__dirname' },
      } as const);
  const roles = readdirSync(FUNCTIONS).filter((folder) => readdirSync(join(FUNCTIONS, folder)).includes(HANDLER));
  const { rebuild, dispose } = await context({
    ...options,
    entryPoints: [
      ...roles.map((role) => ({ in: join(FUNCTIONS, role, HANDLER), out: join(role, 'index') })),
      ...(splitting ? [] : LATER.map(({ source, file }) => ({ in: join(PROJECT_ROOT, source), out: file }))),
    ],
    inject: [join(FUNCTIONS, 'runtime', 'source-places.ts')],
    absWorkingDir: PROJECT_ROOT,
    outdir: ASSEMBLY,
    write: false,
    ...form,
    bundle: true,
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    plugins: [
      inlined(community),
      withoutUnused,
      ...(splitting ? [] : [loadedLater, compressionLater, computed(community)]),
    ],
  });
  return {
    async bundle() {
      const building = async () => buildPageAssets(look());
      const [bundled, assets] = await Promise.allSettled([rebuild(), building()]);
      if (bundled.status === 'rejected') throw bundled.reason; // it also explains what is wrong with the community
      if (assets.status === 'rejected') throw assets.reason;
      return new Map([
        ...bundled.value.outputFiles.map(({ path, contents }) => [relative(ASSEMBLY, path), contents] as const),
        ...(splitting ? [] : roles.map((role) => [join(role, 'package.json'), COMMON_JS] as const)),
        ...[...assets.value].map(([name, contents]) => [join(PAGES_ROLE, 'assets', name), contents] as const),
      ]);
    },
    close: dispose,
  };
}

const loadedLater: Plugin = {
  name: 'later',
  setup({ onResolve }) {
    for (const { source, file } of LATER) {
      onResolve({ filter: new RegExp(`/${basename(source)}$`) }, ({ kind }) =>
        kind === 'dynamic-import' ? { path: `./${basename(file)}.js`, external: true } : undefined,
      );
    }
  },
};

const COMPRESSION = ['deflateRawSync', 'gunzipSync', 'gzipSync', 'inflateRawSync'];

/** Node's module for compression is loaded at its first use, because few starts need it. */
const compressionLater: Plugin = {
  name: 'compression',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:zlib$/ }, ({ path }) => ({ path, namespace: 'compression' }));
    onLoad({ filter: /./, namespace: 'compression' }, ({ path }) => ({
      contents: COMPRESSION.map(
        (name) => `export const ${name} = (...all) => process.getBuiltinModule('${path}').${name}(...all);`,
      ).join('\n'),
    }));
  },
};

const isScript = (value: unknown): value is (module: object, require: NodeJS.Require) => void =>
  typeof value === 'function';

/** Replaces a module that only computes a list by the list. */
const computed = (community: () => unknown): Plugin => ({
  name: 'computed',
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(`/${PATHS}$`) }, async ({ path }) => {
      const { outputFiles } = await build({
        ...{ entryPoints: [path], bundle: true, write: false, platform: 'node', format: 'cjs', packages: 'external' },
        plugins: [inlined(community)],
      });
      const module: { exports: object } = { exports: {} };
      const run: unknown = runInThisContext(`(module, require) => {${outputFiles[0]?.text ?? ''}}`, path);
      if (isScript(run)) run(module, createRequire(path));
      const values = Object.entries(module.exports).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
      return { contents: `export const ${values.join(', ')};`, loader: 'js' };
    });
  },
});

/** The community's files as a literal, so that no function parses them. */
const inlined = (community: () => unknown): Plugin => ({
  name: 'community',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^#community$/ }, ({ path }) => ({ path, namespace: 'community' }));
    onLoad({ filter: /./, namespace: 'community' }, () => {
      try {
        return { contents: `export const community = ${JSON.stringify(community())};`, loader: 'js' };
      } catch (error) {
        return { errors: [{ text: error instanceof Error ? error.message : String(error) }] };
      }
    });
  },
});
