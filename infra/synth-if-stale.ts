import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

const PROJECT_ROOT = join(import.meta.dirname, '..');
const APP = join(PROJECT_ROOT, 'bin', 'app.ts');
const CDK_OUT = join(PROJECT_ROOT, 'cdk.out');

/** All sources of a template or a bundle. */
const SOURCES = [
  'bin/app.ts',
  'bin/checked-community.ts',
  'bin/settings.ts',
  'infra',
  'functions',
  'domain',
  'pages',
  'package.json',
  'package-lock.json',
  'cdk.json',
  'tsconfig.json',
];

/**
 * A running stack reads its bundles from a result. So a result goes only if this many newer ones exist, and no stack has
 * started from it for a day: several communities may run at the same time.
 */
const OLDER_RESULTS_KEPT = 4;
const KEPT_MS = 86_400_000;

/** What is not deployed is not checked for a deployment, which would take as long as all else. The name is the CDK's own. */
const UNCHECKED = { CDK_VALIDATION: 'false' };
/** There is no CloudFront here, and no address of Lambda. */
const NO_EDGE = { LAUREL_EDGE: '', LAUREL_EDGE_WEB_ACL_ARN: '', LAUREL_INGEST_URL: '' };

const filesIn = async (path: string): Promise<string[]> => {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
};

/** The folder of the community whose rules are in the bundles. */
function communityFolder(): string {
  const { LAUREL_COMMUNITY = '' } = process.env;
  return LAUREL_COMMUNITY === '' ? join(PROJECT_ROOT, 'community') : resolve(LAUREL_COMMUNITY);
}

/** Of a community, only what its files say: a copy of the folder gives the same result. */
const hashOfSources = async (): Promise<string> => {
  const hash = createHash('sha256').update(`${process.version} ${process.env.LAUREL_BASE_PATH ?? ''}`);
  const add = async (root: string, paths: readonly string[]) => {
    const files = (await Promise.all(paths.map(filesIn))).flat().sort();
    for (const file of files) {
      const content = createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
      hash.update(`${relative(root, file)}\0${content}\n`);
    }
  };
  const sources = SOURCES.map((source) => join(PROJECT_ROOT, source));
  await add(PROJECT_ROOT, sources);
  const community = communityFolder();
  await add(community, [community]);
  return hash.digest('hex').slice(0, 16);
};

/** Marks a result as used now. False if there is no such result. */
async function use(assembly: string): Promise<boolean> {
  const now = new Date();
  return utimes(assembly, now, now).then(
    () => true,
    () => false,
  );
}

async function removeOldResults(prefix: string, current: string): Promise<void> {
  const names = (await readdir(CDK_OUT)).filter((name) => name.startsWith(prefix) && name !== current);
  const aged = await Promise.all(
    names.map(async (name) => ({ name, usedAt: (await stat(join(CDK_OUT, name))).mtimeMs })),
  );
  const others = aged.toSorted((a, b) => b.usedAt - a.usedAt).slice(OLDER_RESULTS_KEPT);
  const old = others.filter(({ usedAt }) => usedAt < Date.now() - KEPT_MS);
  await Promise.all(old.map(({ name }) => rm(join(CDK_OUT, name), { recursive: true, force: true })));
}

/**
 * Synthesizes the stage unless that was done for the sources as they are, and gives the directory of the
 * assembly. Its name holds the hash of the sources, and it appears whole or not at all: two processes may do this at
 * once, and the later one uses what the earlier one made.
 */
export async function synthIfStale({ stage }: { readonly stage: string }): Promise<string> {
  const prefix = `stage-${stage}-`;
  const hash = await hashOfSources();
  const name = `${prefix}${hash}`;
  const assembly = join(CDK_OUT, name);
  if (await use(assembly)) return assembly;

  await mkdir(CDK_OUT, { recursive: true });
  const unfinished = await mkdtemp(join(CDK_OUT, 'unfinished-'));
  try {
    const env = {
      ...process.env,
      LAUREL_STAGE: stage,
      CDK_OUTDIR: unfinished,
      LAUREL_BUNDLES: '',
      ...NO_EDGE,
      ...UNCHECKED,
    };
    const synthesizing = promisify(execFile)(process.execPath, [APP], { cwd: PROJECT_ROOT, env });
    const end = () => synthesizing.child.kill();
    process.once('exit', end);
    await synthesizing.finally(() => process.removeListener('exit', end));
    if ((await hashOfSources()) !== hash) return await synthIfStale({ stage }); // edited meanwhile
    await rename(unfinished, assembly).catch(async (error: unknown) => {
      if (!(await use(assembly))) throw error; // else another process was first with the same content
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  await removeOldResults(prefix, name);
  return assembly;
}
