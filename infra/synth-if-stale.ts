import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

const PROJECT_ROOT = join(import.meta.dirname, '..');
const APP = join(PROJECT_ROOT, 'bin', 'app.ts');
const CDK_OUT = join(PROJECT_ROOT, 'cdk.out');

/** All sources of a template or a bundle. */
const SOURCES = [
  'bin/app.ts',
  'infra',
  'functions',
  'domain',
  'pages',
  'package.json',
  'package-lock.json',
  'cdk.json',
  'tsconfig.json',
];

/** Older results that are kept, because a running stack reads its bundles from one of them. */
const OLDER_RESULTS_KEPT = 4;

const filesIn = async (path: string): Promise<string[]> => {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
};

/** The folder of the community whose rules are in the bundles. */
const communityFolder = (): string => resolve(PROJECT_ROOT, process.env.LAUREL_COMMUNITY || 'community');

const hashOfSources = async (): Promise<string> => {
  const sources = [...SOURCES.map((source) => join(PROJECT_ROOT, source)), communityFolder()];
  const files = (await Promise.all(sources.map(filesIn))).flat().sort();
  const hash = createHash('sha256').update(`${process.version} ${process.env.LAUREL_BASE_PATH ?? ''}`);
  for (const file of files) {
    const content = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    hash.update(`${relative(PROJECT_ROOT, file)}\0${content}\n`);
  }
  return hash.digest('hex').slice(0, 16);
};

const exists = async (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const removeOldResults = async (prefix: string, current: string): Promise<void> => {
  const names = (await readdir(CDK_OUT)).filter((name) => name.startsWith(prefix) && name !== current);
  const aged = await Promise.all(
    names.map(async (name) => ({ name, madeAt: (await stat(join(CDK_OUT, name))).mtimeMs })),
  );
  const old = aged.sort((a, b) => b.madeAt - a.madeAt).slice(OLDER_RESULTS_KEPT);
  await Promise.all(old.map(({ name }) => rm(join(CDK_OUT, name), { recursive: true, force: true })));
};

/**
 * Synthesizes the stage unless that was done for the sources as they stand, and gives the directory of the
 * assembly. Its name holds the hash of the sources, and it appears whole or not at all: two processes may do this at
 * once, and the later one uses what the earlier one made.
 */
export async function synthIfStale({ stage }: { readonly stage: string }): Promise<string> {
  const prefix = `stage-${stage}-`;
  const hash = await hashOfSources();
  const name = `${prefix}${hash}`;
  const assembly = join(CDK_OUT, name);
  if (await exists(assembly)) return assembly;

  await mkdir(CDK_OUT, { recursive: true });
  const unfinished = await mkdtemp(join(CDK_OUT, 'unfinished-'));
  try {
    const env = { ...process.env, LAUREL_STAGE: stage, CDK_OUTDIR: unfinished };
    const synthesizing = promisify(execFile)(process.execPath, [APP], { cwd: PROJECT_ROOT, env });
    const end = () => synthesizing.child.kill();
    process.once('exit', end);
    await synthesizing.finally(() => process.removeListener('exit', end));
    if ((await hashOfSources()) !== hash) return await synthIfStale({ stage }); // edited meanwhile
    await rename(unfinished, assembly).catch(async (error: unknown) => {
      if (!(await exists(assembly))) throw error; // else another process was first with the same content
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  await removeOldResults(prefix, name);
  return assembly;
}
