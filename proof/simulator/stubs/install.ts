import { registerHooks } from 'node:module';

const here = (file: string): string => new URL(file, import.meta.url).href;
const there = (path: string): string => new URL(`../../../${path}`, import.meta.url).href;

/** The modules for clock, randomness, memory and AWS, with their replacements in a simulation. */
const REPLACED = new Map([
  [there('functions/runtime/environment.ts'), here('environment.ts')],
  [there('functions/runtime/once.ts'), here('once.ts')],
  [there('functions/runtime/aws-clients.ts'), here('aws-clients.ts')],
]);

/**
 * Installs the stubs. Handlers that are imported later run in the simulated world, and all other code is unchanged.
 * This affects the whole process, so only the program itself calls it.
 */
export function installStubs(): void {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT'; // read when the logger is created
  process.env.POWERTOOLS_METRICS_DISABLED = 'true';
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const replacement = REPLACED.get(resolved.url);
      return replacement === undefined ? resolved : { ...resolved, url: replacement };
    },
  });
}
