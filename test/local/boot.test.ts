import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type StackProcess, spawnLaurel, temporaryDirectory, until } from '../support/stack.ts';

const dataDirectory = temporaryDirectory();
const started: StackProcess[] = [];
const start = (...args: readonly string[]) => {
  const laurel = spawnLaurel(dataDirectory, ...args);
  started.push(laurel);
  return laurel;
};
afterEach(async () => {
  await Promise.all(started.splice(0).map((laurel) => laurel.end('SIGKILL')));
});
afterAll(() => rmSync(dataDirectory, { recursive: true, force: true }));

const send = async (baseUrl: string, insertId: string) => {
  const timestamp = new Date().toISOString();
  const event = { event: 'cli_invocation', distinct_id: 'laptop', insert_id: insertId, timestamp };
  const response = await fetch(`${baseUrl}/ingest`, { method: 'POST', body: JSON.stringify(event), headers });
  return ((await response.json()) as { results: { status: string }[] }).results[0]?.status;
};
const headers: Record<string, string> = { 'content-type': 'application/json' };
const engineProcesses = () => {
  const engine = readFileSync(join(dataDirectory, 'logs', 'engine.log'), 'utf8');
  return /http:\/\/127\.0\.0\.1:\d+/g.exec(engine)?.[0] ?? '';
};

describe('npm start', () => {
  it('serves what it says, keeps it over a kill, and ends all it started', async () => {
    const first = start('--empty');
    const { baseUrl, adminKey } = await first.ready();
    expect(await send(baseUrl, 'one')).toBe('accepted');
    const engine = engineProcesses();
    await first.end('SIGKILL');
    await until(() =>
      fetch(engine).then(
        () => false,
        () => true,
      ),
    );

    const second = start('--empty');
    const again = await second.ready();
    expect(again.adminKey).toBe(adminKey);
    expect(await send(again.baseUrl, 'one')).toBe('duplicate');
    expect((await fetch(`${again.baseUrl}/api/whoami`, { headers: { 'x-api-key': adminKey } })).status).toBe(200);

    const rival = start('--empty');
    expect(await rival.exited()).toBe(1);
    expect(rival.printed()).toContain('is in use by another local stack');

    expect(await second.end('SIGTERM')).toBe(0);
    await expect(fetch(again.baseUrl)).rejects.toThrow();
    await expect(fetch(again.dynamodbEndpoint)).rejects.toThrow();

    const fresh = start('--empty', '--fresh');
    const anew = await fresh.ready();
    expect(anew.adminKey).not.toBe(adminKey);
    expect(await send(anew.baseUrl, 'one')).toBe('accepted');
    expect(await fresh.end('SIGINT')).toBe(0);
  });

  it('loads the sample once, also where that was cut short, and shows who leads', async () => {
    const progress = join(dataDirectory, 'sample.json');
    const cutShort = start('--fresh');
    await until(() => cutShort.printed().includes('Loading the sample'));
    await cutShort.end('SIGKILL');

    const whole = start();
    const { baseUrl } = await whole.ready();
    expect(JSON.parse(readFileSync(progress, 'utf8'))).toMatchObject({ done: true });
    expect(whole.printed()).toMatch(/1 .* alder .* \d{4} /);
    const stats = (await (await fetch(`${baseUrl}/v1/stats?username=alder`)).json()) as { totalEvents: number };
    await whole.end('SIGTERM');

    const third = start();
    const reloaded = await third.ready();
    const later = (await (await fetch(`${reloaded.baseUrl}/v1/stats?username=alder`)).json()) as typeof stats;
    expect(later.totalEvents).toBe(stats.totalEvents);
    expect(stats.totalEvents).toBe(264);
  });

  it('says in a sentence what is wrong with its arguments', async () => {
    const wrong = start('--port', 'eighty');
    expect(await wrong.exited()).toBe(1);
    expect(wrong.printed()).toContain('expected 0 to 65535');
  });
});
