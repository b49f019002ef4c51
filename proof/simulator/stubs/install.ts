import { registerHooks } from 'node:module';

const here = (file: string): string => new URL(file, import.meta.url).href;
const there = (path: string): string => new URL(`../../../${path}`, import.meta.url).href;

/** By which files functions reach clock, chance, memory and AWS, and what stands there in a simulation. */
const REPLACED = new Map([
  [there('functions/runtime/environment.ts'), here('environment.ts')],
  [there('functions/runtime/once.ts'), here('once.ts')],
  [there('functions/runtime/aws-clients.ts'), here('aws-clients.ts')],
]);

/**
 * Installs the stubs: from now on handlers that are imported run in the simulated world, all their other code as it stands.
 * It holds for this whole process, so it is called by nothing but the program itself.
 */
export function installStubs(): void {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT'; // read when the logger is made
  process.env.POWERTOOLS_METRICS_DISABLED = 'true';
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const replacement = REPLACED.get(resolved.url);
      return replacement === undefined ? resolved : { ...resolved, url: replacement };
    },
  });
}
