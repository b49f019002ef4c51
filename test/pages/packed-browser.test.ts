import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { packedBrowser } from '../support/browser.ts';

/** What every Linux with glibc has. */
const OF_THE_SYSTEM = /^(?:linux-vdso|ld-linux.*|lib(?:c|m|dl|pthread|rt|gcc_s))\.so/u;

it.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'the browser of the package starts on a machine without libnss3: it brings its libraries',
  async () => {
    const { path, env } = await packedBrowser();
    const { stdout } = await promisify(execFile)('ldd', [path], { env: { PATH: process.env.PATH, ...env } });
    const libraries = stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(' => '))
      .map(([name = '', file = '']) => ({ name: name.split('/').at(-1)!, file }))
      .filter(({ name }) => !OF_THE_SYSTEM.test(name));

    expect(libraries.map(({ name }) => name)).toContain('libnss3.so');
    for (const { file } of libraries) expect(file).toContain(env.LD_LIBRARY_PATH);
    const version = await promisify(execFile)(path, ['--version'], { env: { PATH: process.env.PATH, ...env } });
    expect(version.stdout).toMatch(/Chromium|Chrome/u);
  },
);
