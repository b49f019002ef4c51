/** Imports the module in its argument and prints how long that took. `bundles.ts` runs it in a new process. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('expected the URL of a module');
const start = performance.now();
await import(file);
process.send?.({ milliseconds: performance.now() - start });
process.disconnect();
