import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { functionPool, type FunctionPool } from '../../local/lambda/function-pool.ts';
import { temporaryDirectory } from '../support/stack.ts';

let pool: FunctionPool;
afterEach(() => pool.stop());

function aPool(code: string, { timeoutMs = 60_000, maxWorkers = 1, idleMs = 60_000 } = {}) {
  const codeDirectory = temporaryDirectory();
  mkdirSync(codeDirectory, { recursive: true });
  writeFileSync(join(codeDirectory, 'index.mjs'), code);
  const logFile = join(codeDirectory, 'log');
  pool = functionPool({
    model: {
      role: 'tiny',
      name: 'tiny',
      arn: 'arn:tiny',
      codeDirectory,
      file: 'index',
      exportName: 'handler',
      timeoutMs,
      memoryMb: 128,
      environment: {},
      policy: [],
      invokers: [],
    },
    environment: { GREETING: 'hello' },
    maxWorkers,
    idleMs,
    logFile,
  });
  return { log: () => readFileSync(logFile, 'utf8') };
}
const invoke = async (event: unknown = {}) => {
  const result = await pool.invoke(JSON.stringify(event));
  return result.ok ? JSON.parse(result.payload) : result.failure.errorType;
};

describe('a function', () => {
  it('gets its event, its context and its own environment, not that of this process', async () => {
    aPool(`export const handler = async (event, context) => ({
      event, name: context.functionName, greeting: process.env.GREETING, path: process.env.PATH ?? null,
      left: context.getRemainingTimeInMillis() > 0, id: context.awsRequestId.length,
    })`);
    expect(await invoke({ a: 1 })).toEqual({
      event: { a: 1 },
      name: 'tiny',
      greeting: 'hello',
      path: null,
      left: true,
      id: 36,
    });
  });

  it('has the memory of the template, and little of it for short-lived objects', async () => {
    aPool(`import { resourceLimits } from 'node:worker_threads'; export const handler = async () => resourceLimits`);
    expect(await invoke()).toMatchObject({ maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 });
  });

  it('is kept warm, and runs one invocation at a time', async () => {
    aPool(`let running = 0, most = 0, count = 0;
      export const handler = async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return [++count, most];
      }`);
    expect(await Promise.all([invoke(), invoke(), invoke()])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  const threadOf = `import { threadId } from 'node:worker_threads';
    export const handler = async ({ ms = 0 }) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return threadId;
    }`;

  it('gets more threads only while invocations have waited, up to as many as it may have', async () => {
    aPool(threadOf, { maxWorkers: 2 });
    const together = async (ms: number) => {
      const threads = await Promise.all([invoke({ ms }), invoke({ ms }), invoke({ ms }), invoke({ ms })]);
      return new Set(threads).size;
    };
    await invoke();
    expect(await together(0)).toBe(1);
    expect(await together(600)).toBe(2);
  });

  it('ends a thread that nobody uses', async () => {
    aPool(threadOf, { idleMs: 1 });
    const first = await invoke();
    await expect.poll(() => pool.endThread()).toBe(false); // none is left
    expect(await invoke()).not.toBe(first);
  });

  it.each([
    ['throws', `throw new RangeError('no')`, 'RangeError'],
    ['spins past its timeout', 'for (;;);', 'Sandbox.Timedout'],
    ['hangs past its timeout', 'await new Promise(() => setInterval(() => {}, 1000))', 'Sandbox.Timedout'],
    ['ends its process', 'process.exit(3)', 'Runtime.ExitError'],
    [
      'fails outside of its promise',
      `await new Promise(() => setImmediate(() => { throw new TypeError() }))`,
      'TypeError',
    ],
  ])('that %s makes only that invocation fail', async (_what, code, errorType) => {
    const { log } = aPool(
      `let count = 0; export const handler = async ({ bad }) => { if (bad) { ${code} } return ++count; }`,
      { timeoutMs: 1_000 },
    );
    expect(await invoke()).toBe(1);
    expect(await invoke({ bad: true })).toBe(errorType);
    expect(await invoke()).toBeGreaterThan(0);
    expect(log()).toContain(errorType);
  });

  it('that cannot be loaded makes each invocation fail', async () => {
    aPool(`import './missing.mjs'`);
    expect(await invoke()).toBe('Error');
    expect(await invoke()).toBe('Error');
  });

  it('is not restarted by waiting invocations when it is stopped', async () => {
    aPool('export const handler = () => new Promise(() => setInterval(() => {}, 1000))', { timeoutMs: 60_000 });
    const invocations = [invoke(), invoke(), invoke()];
    await pool.stop();
    expect(await Promise.all(invocations)).toEqual(['Runtime.ExitError', 'Sandbox.Stopped', 'Sandbox.Stopped']);
    expect(await invoke()).toBe('Sandbox.Stopped');
  });

  it('gets other code or variables while an invocation runs, which finishes in what it began in', async () => {
    aPool(`export const handler = async ({ ms }) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return 'old';
    }`);
    const other = temporaryDirectory();
    writeFileSync(join(other, 'index.mjs'), `export const handler = () => process.env.GREETING`);
    await invoke({ ms: 0 });
    const [running, waiting] = [invoke({ ms: 500 }), invoke()];
    await pool.replaceCode(other);

    expect(await Promise.all([running, waiting, invoke()])).toEqual(['old', 'hello', 'hello']);
    await pool.replaceCode(other, { GREETING: 'hi' });
    expect(await invoke()).toBe('hi');
    expect(pool.inFlight()).toBe(0);
  });

  it('prints to its log, with all output from before it was ended', async () => {
    const { log } = aPool(
      `export const handler = () => { console.log('before'); console.error('the end'); for (;;); }`,
      {
        timeoutMs: 200,
      },
    );
    await invoke();
    expect(log()).toMatch(/before\nthe end\n/);
  });
});
