import type { ExtensionName, PublishedVersion } from './extension.ts';
import type { Registry } from './registry.port.ts';

/** The newest version that is not yanked, or undefined where there is none. */
export async function latestVersion(
  registry: Pick<Registry, 'versionsOf'>,
  name: ExtensionName,
): Promise<PublishedVersion | undefined> {
  for await (const version of registry.versionsOf(name)) if (version.yank === undefined) return version;
  return undefined;
}
