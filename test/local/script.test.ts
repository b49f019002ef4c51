import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryDirectory, until } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const directory = temporaryDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};
/** Those that end by themselves within seconds. */
const SHORT = new Set(['check', 'format', 'synth', 'test']);

describe('a script of npm', () => {
  it('replaces its shell, which would forward no signal', () => {
    const shelled = Object.entries(scripts).filter(
      ([name, command]) => !['check', 'format'].includes(name) && !/(^|&& )exec \S+( |$)/u.test(command),
    );
    expect(shelled).toEqual([]);
  });

  it.each(Object.entries(scripts).filter(([name]) => !SHORT.has(name)))('%s ends with npm', (_name, command) => {
    const program = command.replace(/^exec (env \S+ )?node /u, '');
    expect(readFileSync(join(ROOT, program), 'utf8')).toMatch(/^beginScript\(/mu);
  });

  it.each(['SIGKILL', 'SIGHUP', 'SIGTERM', 'SIGINT'] as const)(
    'cleans up after npm has ended by %s',
    async (signal) => {
      const file = join(directory, signal);
      const program = join(directory, `${signal}.ts`);
      writeFileSync(
        program,
        `import { appendFileSync } from 'node:fs';
       import { beginScript, scratchDirectory } from ${JSON.stringify(join(ROOT, 'local', 'script.ts'))};
       const { path } = scratchDirectory('test');
       setInterval(() => undefined, 1_000);
       beginScript((code) => {
         appendFileSync(${JSON.stringify(file)}, code + ' ' + path + '\\n');
         setTimeout(() => process.exit(code), 50);
       });
       console.log('ready');`,
      );
      // Imitates npm: it forwards the same signals.
      const npm = spawn(process.execPath, [
        '-e',
        `const child = require('node:child_process').spawn(process.execPath, [${JSON.stringify(program)}],
         { stdio: 'inherit', env: { ...process.env, npm_lifecycle_event: 'start' } });
       for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { child.kill(signal); child.kill(signal); });
       child.on('exit', () => process.exit());`,
      ]);
      await once(npm.stdout, 'data');
      npm.kill(signal);
      await until(() => existsSync(file));
      const said = readFileSync(file, 'utf8').trim().split('\n');
      // once, although the signal came twice
      expect(said).toEqual([expect.stringMatching(signal === 'SIGINT' ? /^130 / : /^143 /)]);
      await until(() => !existsSync(said[0]!.slice(4)));
    },
  );
});
