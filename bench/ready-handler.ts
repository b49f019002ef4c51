import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Loads the bundle in its first argument as Lambda does: a script by `require`. Hands its handler the event in its
 * second argument if there is one, and prints the CPU time of this process until then. The bench removes the types of
 * this file before, because that costs Node more than an empty handler.
 */
const [file, event] = process.argv.slice(2);
if (file === undefined) throw new Error('expected the URL of a module');
// eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- a check would need a library, which would be in the measured time
const { handler }: { readonly handler: (event: unknown) => Promise<unknown> } = file.endsWith('.js')
  ? createRequire(file)(fileURLToPath(file))
  : await import(file);
const answer: unknown = event === undefined ? undefined : await handler(JSON.parse(event));
const { user, system } = process.cpuUsage();
process.send?.({ milliseconds: (user + system) / 1_000, answer }, () => process.exit());
