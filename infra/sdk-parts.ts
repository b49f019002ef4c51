import { readFileSync } from 'node:fs';
import type { Plugin } from 'esbuild';

/** Packages of the SDK that no function needs, and what bundles hold instead. */
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

/**
 * Errors of AWS that functions distinguish by their classes, and one that the SDK repeats because of its class. Any
 * other error is an instance of its service's base class. It keeps its name, its message and its status. By these, the
 * SDK decides whether to repeat a call.
 */
export const KNOWN_ERRORS: ReadonlySet<string> = new Set([
  'ConditionalCheckFailedException',
  'ReplicatedWriteConflictException',
  'TransactionCanceledException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

const withoutUnknownErrors = (text: string): string =>
  text.replaceAll(/^n0_registry\.registerError\(\w+\$, (\w+)\);$/gmu, (line, name: string) =>
    KNOWN_ERRORS.has(name) ? line : '',
  );

/** Writes `{"error": _c}` for `{[_e]: _c}`: the bundler leaves out an unused schema only if it has no computed keys. */
function withConstantKeys(text: string): string {
  const constants = new Map(
    Array.from(text.matchAll(/^const (\w+) = (".*");$/gmu), ([, name, value]) => [name, value]),
  );
  return text.replaceAll(/\[(\w+)\]:/gu, (key, name: string) =>
    constants.has(name) ? `${constants.get(name)}:` : key,
  );
}

/** Files of the SDK, and what bundles hold instead. */
const FILES: readonly { readonly filter: RegExp; readonly contents: (text: string) => string }[] = [
  // Lambda has no files of profiles to look for.
  {
    filter: /shared-ini-file-loader\/loadSharedConfigFiles\.js$/,
    contents: () => `export const CONFIG_PREFIX_SEPARATOR = '.';
      export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
  },
  // Lambda names the region in the environment.
  {
    filter: /regionConfig\/getInstanceMetadataRegion\.js$/,
    contents: () => 'export const getInstanceMetadataRegion = async () => undefined;',
  },
  // Node has hashes of its own.
  {
    filter: /checksum\/(?:md5\/Md5|sha256\/Sha256)Js\.js$/,
    contents: () => 'export const Md5Js = undefined, Sha256Js = undefined;',
  },
  // All clients retry in the mode `standard`.
  {
    filter: /util-retry\/AdaptiveRetryStrategy\.js$/,
    contents: () => 'export const AdaptiveRetryStrategy = undefined;',
  },
  // Only the version is read.
  {
    filter: /\/package\.json$/,
    contents: (text) => `export default { version: ${JSON.stringify(/"version": "([^"]+)"/u.exec(text)?.[1])} };`,
  },
  {
    filter: /\/client-\w+\/dist-es\/schemas\/schemas_0\.js$/,
    contents: (text) => withConstantKeys(withoutUnknownErrors(text)),
  },
];

/** Leaves out the parts of the SDK that no function runs. */
export const withoutUnused: Plugin = {
  name: 'unused',
  setup({ onResolve, onLoad }) {
    const namespace = 'unused';
    const filter =
      /^@(?:aws-sdk\/(?:credential-provider-node|middleware-endpoint-discovery)|smithy\/core\/event-streams)$/;
    for (const file of FILES) {
      onLoad({ filter: file.filter }, ({ path }) => ({
        contents: file.contents(readFileSync(path, 'utf8')),
        loader: 'js',
      }));
    }
    onResolve({ filter }, ({ path, resolveDir }) => ({ path, namespace, pluginData: resolveDir }));
    onLoad({ filter: /./, namespace }, ({ path, pluginData }) => ({
      contents: IN_PLACE_OF.get(path) ?? '',
      resolveDir: String(pluginData),
    }));
  },
};
