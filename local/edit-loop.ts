import { once } from 'node:events';
import { existsSync, type FSWatcher, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as z from 'zod';

type Bundles = ReadonlyMap<string, Uint8Array>;

export type EditLoopOptions = {
  /** The directories whose files are watched. */
  readonly sources: readonly string[];
  /** Bundles the functions: `read-api/index.mjs` and so on, and what they share. Throws esbuild's `BuildFailure`. */
  readonly bundle: () => Promise<Bundles>;
  /** Where a directory for the new bundles is made. */
  readonly directory: string;
  readonly say: (sentence: string) => void;
};

type Replace = (directories: ReadonlyMap<string, string>) => Promise<void>;

export type EditLoop = {
  /** Begins to replace code. Edits since the loop was opened count. `onReplaced` gets the roles with new code. */
  run(replace: Replace, onReplaced: (roles: readonly string[]) => Promise<void>): void;
  stop(): void;
};

/** An editor writes a file in several steps, and a checkout writes many files. */
const SETTLING_MS = 50;
/** The function that a file belongs to; undefined for what functions share. */
const roleOf = (path: string): string | undefined => /^(?<role>[^/]+)\//.exec(path)?.groups?.role;

/**
 * Watches the sources. Opened before the stack is synthesized, it knows the bundles that the stack begins with, so no edit
 * in between is missed.
 */
export async function openEditLoop({ sources, bundle, directory, say }: EditLoopOptions): Promise<EditLoop> {
  let onEdit: () => void = () => undefined;
  let isDirty = false;
  const watcher = watchDirectories(sources, () => {
    isDirty = true;
    onEdit();
  });
  const known = new Map(await bundle());
  mkdirSync(directory, { recursive: true });
  const written = mkdtempSync(join(directory, 'watch-'));
  const remove = () => rmSync(written, { recursive: true, force: true });
  process.once('exit', remove);
  let version = 0;

  /** Writes what changed, and returns the directories of the functions with other files. */
  const write = (bundles: Bundles): ReadonlyMap<string, string> => {
    version += 1;
    const changed = new Map<string, string>();
    for (const [path, contents] of bundles) {
      const role = roleOf(path);
      if (role !== undefined && !isEqual(known.get(path), contents))
        changed.set(role, join(written, `${role}-${version}`));
    }
    for (const [path, contents] of bundles) {
      const role = roleOf(path);
      const directory = role === undefined ? written : changed.get(role);
      if (directory === undefined) continue;
      const target = join(directory, role === undefined ? path : relative(role, path));
      if (role === undefined && existsSync(target)) continue; // the name of a shared part holds a hash of its content
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, contents);
    }
    return changed;
  };

  return {
    run(replace, onReplaced) {
      const rebuild = async () => {
        const begun = performance.now();
        const bundles = await bundle();
        const changed = new Map(write(bundles));
        for (const [fault, roles] of await loadFaults(changed)) {
          for (const role of roles) changed.delete(role);
          say(`${fault}\nThe new code cannot be loaded, so the old code stays: ${roles.join(', ')}`);
        }
        if (changed.size === 0) return;
        await replace(changed);
        for (const [path, contents] of bundles) if (changed.has(roleOf(path) ?? '')) known.set(path, contents);
        const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
        const roles = [...changed.keys()].sort();
        say(`New code after ${seconds} s: ${roles.join(', ')}`);
        await onReplaced(roles);
      };
      let isRunning = false;
      onEdit = () => {
        if (isRunning) return;
        isRunning = true;
        void (async () => {
          while (isDirty) {
            await sleep(SETTLING_MS);
            isDirty = false;
            await rebuild().catch((error: unknown) => faultsOf(error).forEach(say));
          }
          isRunning = false;
        })();
      };
      if (isDirty) onEdit();
    },
    stop() {
      watcher.close();
      process.removeListener('exit', remove);
      remove();
    },
  };
}

/** Loads the new code of all functions in one thread. Returns what cannot be loaded, by what it throws. */
async function loadFaults(directories: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, readonly string[]>> {
  const roles = [...directories.keys()];
  if (roles.length === 0) return new Map();
  const worker = new Worker(new URL('lambda/load-check.worker.ts', import.meta.url), {
    workerData: [...directories.values()].map((directory) => pathToFileURL(join(directory, 'index.mjs')).href),
    execArgv: ['--disable-warning=ExperimentalWarning', '--enable-source-maps'],
  });
  const [faults] = z.tuple([z.array(z.string().nullable())]).parse(await once(worker, 'message'));
  const failing = Map.groupBy(roles, (_, index) => faults[index] ?? '');
  failing.delete('');
  return failing;
}

const isEqual = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(a, b) === 0;

/** Watches directories one by one: a file that an editor replaces has no watch of its own to lose. */
function watchDirectories(roots: readonly string[], onChange: () => void): { close(): void } {
  const watchers = new Map<string, FSWatcher>();
  const add = () => {
    for (const path of roots.filter(existsSync).flatMap(directoriesIn)) {
      if (watchers.has(path)) continue;
      const watcher = watch(path, () => {
        add();
        onChange();
      });
      const forget = () => {
        watcher.close();
        watchers.delete(path);
      };
      watchers.set(path, watcher.on('error', forget));
    }
    for (const [path, watcher] of watchers) {
      if (existsSync(path)) continue;
      watcher.close();
      watchers.delete(path);
    }
  };
  add();
  return { close: () => watchers.forEach((watcher) => watcher.close()) };
}

const directoriesIn = (root: string): string[] => [
  root,
  ...readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name)),
];

const BuildFailure = z.object({
  errors: z.array(
    z.object({
      text: z.string(),
      location: z.object({ file: z.string(), line: z.number(), column: z.number() }).nullable(),
    }),
  ),
});

/** What is wrong with the sources, as `file:line:column: message`. */
function faultsOf(error: unknown): readonly string[] {
  const { data } = BuildFailure.safeParse(error);
  if (data === undefined) return [`The new code was not built: ${String(error)}`];
  return [
    ...data.errors.map(({ text, location }) =>
      location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`,
    ),
    'The functions keep their old code.',
  ];
}
