import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

/** Replaces the CDK app: it records each of its runs, and runs long enough for two runs to overlap. */
const APP = `
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
appendFileSync(join(import.meta.dirname, '..', 'runs'), process.env.LAUREL_STAGE + '\\n');
if (process.env.BREAK) process.exit(1);
await new Promise((resolve) => setTimeout(resolve, 200));
writeFileSync(join(process.env.CDK_OUTDIR, 'manifest.json'), '{}');
`;

describe('synthIfStale', () => {
  let root: string;

  const synth = async (stage = 'local', env: Record<string, string> = {}): Promise<string> => {
    const module = pathToFileURL(join(root, 'infra', 'synth-if-stale.ts')).href;
    const program = `import { synthIfStale } from '${module}'; console.log(await synthIfStale({ stage: '${stage}' }));`;
    const args = ['--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
    return stdout.trim();
  };
  const runs = async () => (await readFile(join(root, 'runs'), 'utf8')).trim().split('\n');

  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'laurel-synth-')));
    for (const tree of ['bin', 'infra', 'functions', 'domain', 'pages']) await mkdir(join(root, tree));
    await writeFile(join(root, 'bin', 'app.ts'), APP);
    await writeFile(join(root, 'bin', 'checked-community.ts'), '');
    await writeFile(join(root, 'bin', 'settings.ts'), '');
    await writeFile(join(root, 'domain', 'rule.ts'), '1');
    await writeFile(join(root, 'package.json'), '{"type": "module"}');
    for (const file of ['package-lock.json', 'cdk.json', 'tsconfig.json']) await writeFile(join(root, file), '{}');
    await cp(
      join(import.meta.dirname, '..', '..', 'infra', 'synth-if-stale.ts'),
      join(root, 'infra', 'synth-if-stale.ts'),
    );
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('keeps the result while the sources are unchanged', async () => {
    const first = await synth();

    expect(await synth()).toBe(first);
    expect(existsSync(join(first, 'manifest.json'))).toBe(true);
    expect(await runs()).toEqual(['local']);
  });

  it.each([['domain/rule.ts'], ['functions/new.ts'], ['package-lock.json'], ['cdk.json']])(
    'synthesizes again after a change of %s',
    async (path) => {
      const first = await synth();
      await writeFile(join(root, path), '{ "changed": true }');

      expect(await synth()).not.toBe(first);
      expect(await runs()).toHaveLength(2);
    },
  );

  it('takes what a community says, whatever its folder', async () => {
    const synthOf = async (folder: string, text: string) => {
      await mkdir(join(root, folder), { recursive: true });
      await writeFile(join(root, folder, 'community.json'), text);
      return synth('local', { LAUREL_COMMUNITY: join(root, folder) });
    };
    const first = await synthOf('one', '{}');

    expect(await synthOf('a/copy', '{}')).toBe(first);
    expect(await synthOf('one', '{ "changed": true }')).not.toBe(first);
    expect(await runs()).toHaveLength(2);
  });

  it('keeps stages apart', async () => {
    expect(await synth('dev')).not.toBe(await synth('local'));
    expect((await runs()).sort()).toEqual(['dev', 'local']);
  });

  it('gives one complete result to concurrent processes, and leaves nothing else', async () => {
    const results = await Promise.all([synth(), synth(), synth()]);

    expect(new Set(results).size).toBe(1);
    expect(await readdir(results[0])).toEqual(['manifest.json']);
    expect(await readdir(join(root, 'cdk.out'))).toHaveLength(1);
  });

  it('keeps what a stack has started from within a day, and of the rest the newest four', async () => {
    const made = (name: string) => join(root, 'cdk.out', `stage-local-${name}`);
    const today = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of [...today, 'old']) await mkdir(made(name), { recursive: true });
    const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000);
    await utimes(made('old'), twoDaysAgo, twoDaysAgo);
    const current = await synth();

    const left = (await readdir(join(root, 'cdk.out'))).map((name) => join(root, 'cdk.out', name));
    expect(left.sort()).toEqual([...today.map(made), current].sort());
  });

  it('keeps nothing of a failed app', async () => {
    await expect(synth('local', { BREAK: 'yes' })).rejects.toThrow();

    expect(await readdir(join(root, 'cdk.out'))).toEqual([]);
    expect(existsSync(join(await synth(), 'manifest.json'))).toBe(true);
  });
});

/** The files for browsers, the code that draws the pages, and the document of the API: few requests need them. */
const BESIDES = [
  ['serve-pages', 'assets', 'render.js', 'render.js.map'],
  ['read-api', 'all-routes.js', 'all-routes.js.map'],
];

describe('the assembly of stage local', () => {
  it('has for every function the export that its Handler names, in a script for its runtime', async () => {
    const assembly = inject('assembly');
    const template = JSON.parse(await readFile(join(assembly, 'Laurel-local.template.json'), 'utf8'));
    const functions = Object.values<any>(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');

    expect(functions.length).toBeGreaterThan(0);
    for (const { Properties } of functions) {
      expect(Properties.Runtime).toBe(`nodejs${process.versions.node.split('.')[0]}.x`); // the runtime of the tests
      const [file, name] = Properties.Handler.split('.');
      const directory = join(assembly, `asset.${Properties.Code.S3Key.replace(/\.zip$/, '')}`);
      const besides = BESIDES.find(([role]) => Properties.FunctionName.endsWith(role))?.slice(1) ?? [];
      expect((await readdir(directory)).sort()).toEqual(
        [...besides, `${file}.js`, `${file}.js.map`, 'package.json'].sort(),
      );
      const program = `const all = await import('${pathToFileURL(join(directory, `${file}.js`)).href}'); console.log(typeof all.${name});`;
      const args = ['--input-type=module', '-e', program];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env: {} });
      expect(stdout.trim()).toBe('function');
    }
  });
});
