import { readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { type BuildOptions, context, type Plugin } from 'esbuild';
import { buildPageAssets, type PageLook } from './page-assets.ts';

const PROJECT_ROOT = join(import.meta.dirname, '..');
const FUNCTIONS = join(PROJECT_ROOT, 'functions');
const HANDLER = 'handler.ts';
/** The schemas of all routes, for their documentation. */
const LATER = 'read-api/all-routes.ts';
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
      ...(splitting ? [] : [{ in: join(FUNCTIONS, LATER), out: LATER.replace('.ts', '') }]),
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
    plugins: [inlined(community), withoutUnused, ...(splitting ? [] : [loadedLater])],
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

/** A part of a bundle that has a file of its own beside it, because few requests need it and it is large. */
const loadedLater: Plugin = {
  name: 'later',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`/${basename(LATER)}$`) }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./${basename(LATER, '.ts')}.js`, external: true } : undefined,
    );
  },
};

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

/** Lambda gives all settings in the environment, and has no files of profiles to look for. */
const PROFILES = {
  filter: /shared-ini-file-loader\/loadSharedConfigFiles\.js$/,
  contents: `export const CONFIG_PREFIX_SEPARATOR = '.';
    export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
};

/** Parts of the SDK that no function needs, and what a bundle holds in their place. */
const IN_PLACE_OF: ReadonlyMap<string, string> = new Map([
  // Lambda gives credentials in the environment, where the SDK looks first. The other places are files, roles and logins.
  [
    '@aws-sdk/credential-provider-node',
    "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';",
  ],
  // No answer here is a stream of events. Only Lambda's client names these.
  [
    '@smithy/core/event-streams',
    `export const resolveEventStreamSerdeConfig = (config) => config;
    export const eventStreamSerdeProvider = () => undefined;`,
  ],
  // DynamoDB needs no search for endpoints, and the SDK makes none unless it is asked to.
  [
    '@aws-sdk/middleware-endpoint-discovery',
    `export const resolveEndpointDiscoveryConfig = (config) => config;
    export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {};`,
  ],
]);

const withoutUnused: Plugin = {
  name: 'unused',
  setup({ onResolve, onLoad }) {
    const namespace = 'unused';
    const filter =
      /^@(?:aws-sdk\/(?:credential-provider-node|middleware-endpoint-discovery)|smithy\/core\/event-streams)$/;
    onLoad({ filter: PROFILES.filter }, () => ({ contents: PROFILES.contents }));
    onResolve({ filter }, ({ path, resolveDir }) => ({ path, namespace, pluginData: resolveDir }));
    onLoad({ filter: /./, namespace }, ({ path, pluginData }) => ({
      contents: IN_PLACE_OF.get(path) ?? '',
      resolveDir: String(pluginData),
    }));
  },
};
