/** Imports the module that its argument names and tells how long that took; run by `bundles.ts` in a new process. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('expected the URL of a module');
const start = performance.now();
await import(file);
process.send?.({ milliseconds: performance.now() - start });
process.disconnect();
