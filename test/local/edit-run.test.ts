import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { openEditLoop } from '../../local/edit-loop.ts';
import { functionPool } from '../../local/lambda/function-pool.ts';
import { readAssembly } from '../../local/template/assembly.ts';
import { readStack } from '../../local/template/stack-model.ts';
import { spawnLaurel, temporaryDirectory, until } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});
const scratch = () => {
  const directory = temporaryDirectory();
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};
const start = async (...args: readonly string[]) => {
  const laurel = spawnLaurel(scratch(), '--empty', ...args);
  undo.push(() => laurel.end('SIGKILL'));
  return { laurel, ...(await laurel.ready()) };
};
const lineOf = (file: string, text: string) =>
  readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text));

describe('npm start -- --watch', () => {
  it('answers by a rule that was edited, and keeps the old one while the files are wrong', async () => {
    const community = scratch();
    cpSync(join(ROOT, 'test', 'fixtures', 'community'), community, { recursive: true }); // it is synthesized already
    const rules = join(community, 'rules', '1.json');
    const edit = (from: string, to: string) => writeFileSync(rules, readFileSync(rules, 'utf8').replace(from, to));
    const { laurel, baseUrl, adminKey } = await start('--watch', '--community', community);
    const send = async (path: string, key: string, body: object): Promise<any> => {
      const headers = { 'content-type': 'application/json', 'x-api-key': key };
      return (await fetch(baseUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
    };
    const score = async (): Promise<number> => (await (await fetch(`${baseUrl}/v1/scores/ada`)).json()).canonicalScore;
    const { key } = await send('/v1/keys', adminKey, { kind: 'personal', username: 'ada' });
    const timestamp = new Date().toISOString();
    const properties = { invocation: { command: 'auth' } };
    await send('/ingest', key, { event: 'cli_invocation', distinct_id: 'laptop', timestamp, properties });
    await until(async () => (await score()) > 0);
    const before = await score();

    edit('"diversityPoints": 50', '"diversityPoints": 70');
    await until(async () => (await score()) > before);
    const after = await score();
    edit('"diversityPoints": 70', '"diversityPoints": "many"');
    await until(() => /diversityPoints.*expected/u.test(laurel.printed()));
    expect(await score()).toBe(after);
    edit('"diversityPoints": "many"', '"diversityPoints": 80');
    await until(async () => (await score()) > after);
  });
});

describe('an edit', () => {
  /** Two functions, one shared rule, and a loop over them. */
  const aLoop = async () => {
    const [sources, directory] = [scratch(), scratch()];
    const write = (name: string, text: string) => writeFileSync(join(sources, name), text);
    mkdirSync(join(sources, 'rules'));
    write('rules/rule.ts', 'export const rule: number = 1;');
    write('reader.ts', `import { rule } from './rules/rule.ts'; export const handler = () => rule;`);
    write('writer.ts', 'export const handler = () => 0;');
    const bundle = async () => {
      const { outputFiles } = await build({
        entryPoints: ['reader', 'writer'].map((role) => ({ in: join(sources, `${role}.ts`), out: `${role}/index` })),
        outExtension: { '.js': '.mjs' },
        ...{ absWorkingDir: sources, outdir: '/out', bundle: true, format: 'esm', write: false, logLevel: 'silent' },
      });
      return new Map(outputFiles.map(({ path, contents }) => [path.slice('/out/'.length), contents]));
    };
    const said: string[] = [];
    const replaced: (readonly string[])[] = [];
    const loop = await openEditLoop({ sources: [sources], bundle, directory, say: (text) => said.push(text) });
    undo.push(() => loop.stop());
    const code = new Map<string, string>();
    loop.run(
      async (directories) => directories.forEach((path, role) => code.set(role, path)),
      async (roles) => void replaced.push(roles),
    );
    const answer = async (role: string) =>
      (await import(pathToFileURL(join(code.get(role)!, 'index.mjs')).href)).handler();
    return { write, said, replaced, answer };
  };

  it('replaces the functions whose bundle changed, and no other', async () => {
    const { write, replaced, answer } = await aLoop();

    write('rules/rule.ts', 'export const rule: number = 2;');
    await until(() => replaced.length === 1);
    expect(await answer('reader')).toBe(2);
    write('writer.ts', 'export const handler = () => 5;');
    await until(() => replaced.length === 2);

    expect(replaced).toEqual([['reader'], ['writer']]);
  });

  it('that does not build names the place, and that does not load names the cause: the old code stays', async () => {
    const { write, said, replaced } = await aLoop();

    write('rules/rule.ts', '\nexport const rule number = 2;');
    await until(() => said.length > 0);
    expect(said[0]).toMatch(/^rules\/rule\.ts:2:19: Expected ";" but found "number"/u);
    write('rules/rule.ts', `throw new RangeError('rule: expected 1 to 9');`);
    await until(() => said.some((text) => text.includes('RangeError: rule: expected 1 to 9')));
    expect(said.at(-1)).toContain('so the old code stays: reader');

    expect(replaced).toEqual([]);
  });
});

describe('a stack trace', () => {
  it("names the source's file and line, by the source map beside the bundle", async () => {
    const surroundings = {
      region: 'us-east-1',
      accountId: '0',
      awsEndpoint: 'http://127.0.0.1',
      streamArnOf: () => 'x',
    };
    const { functions } = readStack(readAssembly(inject('assembly'), 'Laurel-local'), surroundings);
    const model = functions.find(({ role }) => role === 'backfill')!;
    const logFile = join(scratch(), 'log');
    const pool = functionPool({ model, environment: model.environment, maxWorkers: 1, logFile });
    undo.push(() => pool.stop());

    expect(await pool.invoke('{"mode": "nonsense"}')).toMatchObject({ ok: false });
    const file = 'functions/backfill/handler.ts';
    const line = lineOf(file, 'throw new RefusedBackfillError(request.error)') + 1;
    expect(readFileSync(logFile, 'utf8')).toContain(`${join(ROOT, file)}:${line}:`);
  });
});

describe('npm start -- --inspect', () => {
  it('pauses at a breakpoint in a source file, and ends while it pauses', async () => {
    const { laurel, baseUrl } = await start('--inspect', '0');
    expect((await fetch(`${baseUrl}/`)).status).toBe(200); // pages have JSX, which Node cannot run: they come from the bundle
    const socket = new WebSocket(/A debugger can attach at (?<url>ws:\S+)/u.exec(laurel.printed())!.groups!.url!);
    const heard: any[] = [];
    socket.addEventListener('message', ({ data }) => heard.push(JSON.parse(data)));
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    const call = (method: string, params = {}) => socket.send(JSON.stringify({ id: 1, method, params }));
    const pauses = () => heard.filter(({ method }) => method === 'Debugger.paused');
    const file = 'functions/read-api/meta-routes.ts';
    const url = pathToFileURL(join(ROOT, file)).href;
    const lineNumber = lineOf(file, `body: { status: 'ok'`);

    call('Debugger.enable');
    call('Debugger.setBreakpointByUrl', { url, lineNumber });
    const answer = fetch(`${baseUrl}/health`);
    answer.catch(() => undefined);
    await until(() => pauses().length === 1);
    expect(pauses()[0].params.hitBreakpoints).toEqual([expect.stringContaining(url)]);
    expect(pauses()[0].params.callFrames[0].location).toMatchObject({ lineNumber });
    call('Debugger.resume');
    expect((await answer).status).toBe(200);

    void fetch(`${baseUrl}/health`).catch(() => undefined);
    await until(() => pauses().length === 2);
    expect(await laurel.end('SIGTERM')).toBe(0);
  });
});
