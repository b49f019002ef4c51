import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../local/engines/dynamodb-engine.ts';
import { FAULTS } from '../../proof/faults.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MUTATE = join(import.meta.dirname, 'mutate.ts');

type Mutation = { readonly file: string; readonly from: string; readonly to: string };

/** Runs `npm run prove` as a separate process, because it replaces modules that functions import. */
async function prove(args: readonly string[], mutation?: Mutation): Promise<{ code: number; said: any }> {
  const flags = mutation === undefined ? [] : ['--import', MUTATE];
  const env = { ...process.env, ...(mutation && { LAUREL_MUTATION: JSON.stringify(mutation) }) };
  return new Promise((resolve, reject) => {
    const command = [...flags, join(ROOT, 'proof', 'prove.ts'), '--json', ...args];
    execFile(process.execPath, command, { cwd: ROOT, env, maxBuffer: 100_000_000 }, (error, stdout, stderr) => {
      try {
        resolve({ code: error === null ? 0 : Number(error.code), said: JSON.parse(stdout) });
      } catch (cause) {
        reject(new Error(`no one JSON document on stdout: ${stdout}\n${stderr}`, { cause }));
      }
    });
  });
}

const schedules = String(Math.ceil(200 * Number(process.env.LAUREL_PROPERTY_RUNS ?? 1)));

// It uses the embedded engine's own protocol.
describe.skipIf(defaultEngine() !== 'dynoxide')('the simulator', () => {
  it('finds that every invariant holds with all faults, and repeats a seed request by request', async () => {
    const { code, said } = await prove(['--seed', '1', '--schedules', schedules]);

    expect(said).toMatchObject({ ok: true, schedules: Number(schedules) });
    expect(code).toBe(0);
    for (const fault of FAULTS) expect(said.faults[fault], fault).toBeGreaterThan(0);

    const again = await prove(['--seed', '9', '--schedules', '3']);
    expect(again.said.traceHashes).toEqual(said.traceHashes.slice(8, 11));
  });

  it('finds the effect of a missing guard, and shrinks the schedule', async () => {
    const swallowing = { file: 'functions/runtime/sqs-batch.ts', from: 'failed.push(...ids);', to: 'void ids;' };
    const { code, said } = await prove(['--seed', '1', '--schedules', '200'], swallowing);

    expect(code).toBe(1);
    expect(said).toMatchObject({ ok: false, seed: expect.any(Number), problems: [expect.any(String)] });
    expect(said.shrunk.steps.length).toBeLessThan(10);
  });
});
