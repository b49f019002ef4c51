import { registerHooks } from 'node:module';

/**
 * Preloaded (`node --import`) before a program, which then runs with a changed file. `LAUREL_MUTATION` is JSON: `{file,
 * from, to}`; `from` must occur in the file exactly once.
 */
const mutation = JSON.parse(process.env.LAUREL_MUTATION ?? 'null');
if (mutation !== null) {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.split('?')[0]!.endsWith(`/${mutation.file}`)) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
      const found = source.split(mutation.from).length - 1;
      if (found !== 1) throw new Error(`${mutation.file} has the text ${found} times: ${mutation.from}`);
      return { ...loaded, source: source.replace(mutation.from, () => mutation.to) };
    },
  });
}
