import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { datesFrom } from '../../domain/shared/by-date.ts';
import { addDays } from '../../domain/shared/utc.ts';
import { makeCommunity, writeSample } from '../../examples/make-community.ts';
import { explanationOf } from '../../local/explained-error.ts';
import { readSample } from '../../local/sample.ts';
import { spawnOperator } from '../support/operator.ts';
import { type StackProcess, spawnLaurel, spawnNpmStart, temporaryDirectory, until } from '../support/stack.ts';

const dataDirectory = temporaryDirectory();
const started: StackProcess[] = [];
const watched = (laurel: StackProcess) => {
  started.push(laurel);
  return laurel;
};
const start = (...args: readonly string[]) => watched(spawnLaurel(dataDirectory, ...args));
/** A proxy that answers nobody, and an environment that tells Node to use it. */
const BEHIND_PROXY = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
const isGone = (url: string) => () =>
  fetch(url).then(
    () => false,
    () => true,
  );
/** Files that users other than the owner may read. */
const openToOthers = (path: string): readonly string[] => {
  const stat = lstatSync(path);
  const inside = stat.isDirectory() ? readdirSync(path).flatMap((entry) => openToOthers(join(path, entry))) : [];
  return (stat.mode & 0o077) === 0 ? inside : [path, ...inside];
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
  return /http:\/\/127\.\d+\.\d+\.\d+:\d+/g.exec(engine)?.[0] ?? '';
};

/** A small sample of its own. */
const sample = temporaryDirectory();
afterAll(() => rmSync(sample, { recursive: true, force: true }));

/**
 * The sample is loaded at once, but its points belong to its days: the history of each day, and the gain of the last
 * seven.
 */
async function eachDayHasItsPoints(baseUrl: string, lastDay: string): Promise<void> {
  const get = async (path: string): Promise<any> => (await fetch(baseUrl + path)).json();
  const { events, merged } = readSample(lastDay, sample);
  const nameOf = (name = '') => merged.find(({ username }) => username === name)?.into ?? name;
  const daysOf = (name: string) =>
    events.flatMap(({ event, timestamp, properties: { username } }) =>
      nameOf(username) === name && event !== 'extension_pulled' ? [timestamp.slice(0, 10)] : [],
    );
  const { rows: leaders } = await get('/v1/leaderboards/alltime?limit=5');
  const { rows: ofWeek } = await get('/v1/leaderboards/week?limit=1000');
  for (const { username, canonicalScore } of leaders) {
    const { days } = await get(`/v1/scores/${username}/history?from=${addDays(lastDay, -300)}&to=${lastDay}`);
    const [first = ''] = daysOf(username).toSorted();
    expect(days.map(({ date }: any) => date)).toEqual([...datesFrom(first, lastDay)]);
    expect(days.at(-1).canonicalScore).toBe(canonicalScore);
    const gain = canonicalScore - (days.at(-8)?.canonicalScore ?? 0);
    expect(gain).toBeLessThan(canonicalScore);
    expect([username, ofWeek.find((row: any) => row.username === username)?.points ?? 0]).toEqual([
      username,
      Math.max(0, gain),
    ]);
  }
}

describe('npm start', () => {
  it('serves the published addresses, keeps its data over a kill, and stops everything that it started', async () => {
    const first = start('--empty');
    const { baseUrl, adminKey } = await first.ready();
    expect(await send(baseUrl, 'one')).toBe('accepted');
    const engine = engineProcesses();
    await first.end('SIGKILL');
    await until(isGone(engine));

    chmodSync(join(dataDirectory, 'logs'), 0o755); // as an earlier version left it
    chmodSync(dataDirectory, 0o755);
    const second = watched(spawnNpmStart(dataDirectory, ['--empty']));
    const again = await second.ready();
    expect(again.adminKey).toBe(adminKey);
    expect(await send(again.baseUrl, 'one')).toBe('duplicate');
    expect((await fetch(`${again.baseUrl}/api/whoami`, { headers: { 'x-api-key': adminKey } })).status).toBe(200);

    const rival = start('--empty');
    expect(await rival.exited()).toBe(1);
    expect(rival.printed()).toContain('is in use by another local stack');

    expect(openToOthers(dataDirectory)).toEqual([]);

    expect(await second.end('SIGTERM')).toBe(0); // only to npm, which forwards it
    await expect(fetch(again.baseUrl)).rejects.toThrow();
    await expect(fetch(again.dynamodbEndpoint)).rejects.toThrow();
    expect(second.printed()).toMatch(new RegExp(`The page: +${again.baseUrl}/\\n[\\s\\S]*An event`, 'u'));
    expect(second.printed()).toContain(`Stopping the API at ${again.baseUrl}`);
    expect(second.printed()).toContain(`Laurel has stopped. Its data stays in ${dataDirectory}.`);

    const fresh = watched(spawnNpmStart(dataDirectory, ['--empty', '--fresh'], BEHIND_PROXY));
    const reset = await fresh.ready();
    expect(reset.adminKey).not.toBe(adminKey);
    expect(fresh.printed()).not.toContain('/v1/scores/'); // there are no users yet
    expect(await send(reset.baseUrl, 'one')).toBe('accepted');
    const listed = await spawnOperator(['keys', 'list', '--local', dataDirectory], BEHIND_PROXY).ended;
    expect(listed).toMatchObject({ code: 0 });
    await fresh.end('SIGKILL'); // only to npm, which cannot forward it
    await until(isGone(reset.baseUrl));
    await until(() => !existsSync(join(dataDirectory, 'local.json'))); // the stack was stopped properly
  });

  it('loads the sample once, also after an interruption, and shows the leader', async () => {
    const progress = join(dataDirectory, 'sample.json');
    writeSample(sample, makeCommunity({ people: 8, days: 30, seed: 3 }));
    const cutShort = start('--fresh', '--sample', sample);
    await until(() => cutShort.printed().includes('Loading the sample'));
    await cutShort.end('SIGKILL');

    const whole = start('--sample', sample);
    const { baseUrl } = await whole.ready();
    expect(JSON.parse(readFileSync(progress, 'utf8'))).toMatchObject({ done: true });
    const { rows } = (await (await fetch(`${baseUrl}/v1/leaderboards/alltime`)).json()) as {
      rows: { username: string }[];
    };
    const leader = rows[0]!.username;
    expect(whole.printed()).toMatch(new RegExp(`1 .* ${leader} .* \\d{4} `, 'u'));
    const stats = (await (await fetch(`${baseUrl}/v1/stats?username=${leader}`)).json()) as { totalEvents: number };
    await eachDayHasItsPoints(baseUrl, JSON.parse(readFileSync(progress, 'utf8')).lastDay);
    await whole.end('SIGTERM');

    const third = start('--sample', sample);
    const reloaded = await third.ready();
    expect(third.printed()).toContain('An earlier start has already loaded the sample community');
    expect(third.printed()).toContain(`/v1/scores/${leader}`);
    const later = (await (await fetch(`${reloaded.baseUrl}/v1/stats?username=${leader}`)).json()) as typeof stats;
    expect(later.totalEvents).toBe(stats.totalEvents);
    expect(stats.totalEvents).toBeGreaterThan(0);
    const compared = spawnOperator(['consistency', '--all', '--standing', '0', '--local', dataDirectory]);
    expect(await compared.ended).toMatchObject({ code: 0 }); // each score is what a fold of all facts gives
    const { hidden } = readSample('2026-08-21', sample);
    expect(rows.filter(({ username }) => hidden.includes(username))).toEqual([]);
  });

  it('ends with one sentence if the disk is full, or if the admin key is invalid', async () => {
    rmSync(join(dataDirectory, 'admin-key'));
    symlinkSync('/dev/full', join(dataDirectory, 'admin-key.new'));
    const full = start('--empty');
    expect(await full.exited()).toBe(1);
    expect(full.printed()).toContain(`The disk that holds ${dataDirectory} is full: free some space`);
    expect(full.printed()).not.toMatch(/^\s+at /m);
    rmSync(join(dataDirectory, 'admin-key.new'));

    for (const [content, why] of [
      ['', 'holds no key of Laurel'],
      [`lrl_${'x'.repeat(43)}`, 'holds a key that is not an admin key in the stored data'],
    ] as const) {
      writeFileSync(join(dataDirectory, 'admin-key'), content);
      const unusable = start('--empty');
      expect(await unusable.exited()).toBe(1);
      expect(unusable.printed()).toContain(`${join(dataDirectory, 'admin-key')} ${why}`);
      expect(unusable.printed()).not.toMatch(/^\s+at /m);
    }
  });

  it('ends with one sentence and loses nothing if a log cannot be written, or an engine has ended', async () => {
    const sentenceOf = async (laurel: StackProcess) => {
      expect(await laurel.exited()).toBe(1);
      expect(laurel.printed()).not.toMatch(/^\s+at /m);
      return laurel.printed();
    };
    const log = join(dataDirectory, 'logs', 'backfill.log');
    const unlogged = start('--empty', '--fresh');
    const { lambdaEndpoint, functions } = await unlogged.ready();
    symlinkSync('/dev/full', log); // nothing has been written yet
    const invocations = `${lambdaEndpoint}/2015-03-31/functions/${functions.backfill}/invocations`;
    await fetch(invocations, { method: 'POST', body: '{"mode": "odd"}' }).catch(() => undefined);
    expect(await sentenceOf(unlogged)).toContain(`The disk that holds ${dataDirectory} is full`);
    rmSync(log);

    const crashed = start('--empty');
    expect(await send((await crashed.ready()).baseUrl, 'two')).toBe('accepted');
    const ofEngine = (pid: string) => {
      const command = /^\d+$/u.test(pid) && existsSync(`/proc/${pid}/cmdline`) ? `/proc/${pid}/cmdline` : '/dev/null';
      return new RegExp(`^[^\0]*dynoxide\0.*${dataDirectory}`, 'u').test(readFileSync(command, 'utf8'));
    };
    process.kill(Number(readdirSync('/proc').find(ofEngine)), 'SIGKILL');
    expect(await sentenceOf(crashed)).toContain(`dynoxide ended: see ${join(dataDirectory, 'logs')}`);

    const again = start('--empty');
    expect(await send((await again.ready()).baseUrl, 'two')).toBe('duplicate');
  });

  it('ends with one sentence if the directory cannot be used', async () => {
    writeFileSync(join(dataDirectory, 'file'), '');
    const unusable = watched(spawnLaurel(join(dataDirectory, 'file', 'data'), '--empty'));
    expect(await unusable.exited()).toBe(1);
    expect(unusable.printed()).toMatch(/file\/data cannot be used \(ENOTDIR.*choose another directory with --data/u);
    expect(unusable.printed()).not.toMatch(/^\s+at /m);

    const readOnly = { code: 'ERR_SQLITE_ERROR', errcode: 8 };
    for (const odd of [readOnly, { code: 'EROFS' }, { code: 'ENOENT', path: join(dataDirectory, 'logs') }]) {
      expect(explanationOf(Object.assign(new Error('odd'), odd), dataDirectory)).toContain('cannot be used (odd)');
    }
    expect(explanationOf(Object.assign(new Error('odd'), { path: '/etc/passwd' }), dataDirectory)).toBe(undefined);
  });

  it('explains invalid arguments in a sentence', async () => {
    const wrong = start('--port', 'eighty');
    expect(await wrong.exited()).toBe(1);
    expect(wrong.printed()).toContain('expected 0 to 65535');
  });
});
