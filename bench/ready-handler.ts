/** Imports the module in its argument and tells the CPU time of this process so far. `bundles.ts` runs it. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('expected the URL of a module');
await import(file);
const { user, system } = process.cpuUsage();
process.send?.({ milliseconds: (user + system) / 1_000 });
process.disconnect();
