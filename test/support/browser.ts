import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import packageJson from '../../package.json' with { type: 'json' };

/** The usual paths of Chromium browsers. */
const INSTALLED = [
  ...['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable'],
  ...['/snap/bin/chromium', '/opt/google/chrome/chrome', '/usr/bin/microsoft-edge'],
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const NONE =
  'There is no browser for the tests of the pages. Set LAUREL_CHROMIUM to a Chromium or Chrome, or install one; on Linux x64 a package brings one.';

type Executable = { readonly path: string; readonly env: Readonly<Record<string, string>> };

/** The browser of `LAUREL_CHROMIUM`, otherwise an installed one, otherwise the one in a package. */
export async function startBrowser(): Promise<Browser> {
  const { path, env } = await findBrowser();
  const args = ['--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none'];
  try {
    const surroundings = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
    return await chromium.launch({
      executablePath: path,
      args,
      env: Object.fromEntries(surroundings),
    });
  } catch (error) {
    throw new Error(`${NONE} ${path} could not be started.`, { cause: error });
  }
}

async function findBrowser(): Promise<Executable> {
  const named = process.env.LAUREL_CHROMIUM;
  if (named !== undefined && !existsSync(named)) throw new Error(`LAUREL_CHROMIUM: there is no file ${named}.`);
  const path = named ?? INSTALLED.find((each) => existsSync(each));
  if (path !== undefined) return { path, env: {} };
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error(NONE);
  return packedBrowser();
}

/** The package's own file names folders of Lambda. */
const fontsIn = (directory: string): string => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${directory}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${directory}/cache</cachedir>
</fontconfig>
`;

/**
 * The browser of the package with its libraries and fonts, which a machine may lack. It is unpacked once, atomically.
 */
export async function packedBrowser(): Promise<Executable> {
  const version = packageJson.devDependencies['@sparticuz/chromium'];
  const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache');
  const directory = join(cache, `chromium-${version}`);
  if (!existsSync(directory)) {
    mkdirSync(cache, { recursive: true });
    const unfinished = mkdtempSync(join(cache, 'chromium-unfinished-'));
    // The package unpacks into the temporary directory, and unpacks its libraries only if it detects Lambda. It runs in a
    // process of its own: a stack that starts at the same time would put its data into that directory.
    const program = `await (await import('@sparticuz/chromium')).default.executablePath()`;
    const env = { ...process.env, TMPDIR: unfinished, AWS_LAMBDA_JS_RUNTIME: 'nodejs24.x' };
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { cwd: cache, env });
    writeFileSync(join(unfinished, 'fonts', 'fonts.conf'), fontsIn(join(directory, 'fonts')));
    if (existsSync(directory)) rmSync(unfinished, { recursive: true, force: true });
    else renameSync(unfinished, directory);
  }
  return {
    path: join(directory, 'chromium'),
    env: { LD_LIBRARY_PATH: join(directory, 'al2023', 'lib'), FONTCONFIG_PATH: join(directory, 'fonts') },
  };
}
