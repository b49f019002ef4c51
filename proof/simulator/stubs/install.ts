import { registerHooks } from 'node:module';

const here = (file: string): string => new URL(file, import.meta.url).href;
const there = (path: string): string => new URL(`../../../${path}`, import.meta.url).href;

/** The modules for clock, randomness, memory and AWS, with their replacements in a simulation. */
const REPLACED = new Map([
  [there('functions/runtime/environment.ts'), here('environment.ts')],
  [there('functions/runtime/once.ts'), here('once.ts')],
  [there('functions/runtime/aws-clients.ts'), here('aws-clients.ts')],
]);

/** A deployment's modules are its own: all that its handlers import has the same mark in its address. */
export const NEXT = '?rules=next';
const SOURCES = ['domain', 'functions'].map((tree) => there(`${tree}/`));
const isMarked = (url: string | undefined): boolean => url?.endsWith(NEXT) === true;

/**
 * Installs the stubs. Handlers that are imported later run in the simulated world, and all other code is unchanged.
 * This affects the whole process, so only the program itself calls it.
 */
export function installStubs(): void {
  process.env.AWS_LAMBDA_LOG_LEVEL = 'SILENT'; // read when the logger is loaded
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const replacement = REPLACED.get(resolved.url);
      if (replacement !== undefined) return { ...resolved, url: replacement };
      const isOwn = isMarked(context.parentURL) && SOURCES.some((tree) => resolved.url.startsWith(tree));
      return isOwn && !isMarked(resolved.url) ? { ...resolved, url: resolved.url + NEXT } : resolved;
    },
  });
}
