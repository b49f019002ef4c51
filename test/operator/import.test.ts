import type * as FileSystem from 'node:fs';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { rulebook } from '../../domain/rules/current-rules.ts';
import { reportedKindsOf } from '../../domain/rules/reported-kinds.ts';
import { activityEventsOf } from '../../domain/telemetry/event-kind.ts';
import { importEvents, nothingYet, type Refused } from '../../operator/import.ts';
import { addDays, dateOf } from '../../domain/shared/utc.ts';
import { operate, spawnOperator } from '../support/operator.ts';
import { startTestStack, temporaryDirectory, type TestStack, until } from '../support/stack.ts';

const directory = temporaryDirectory();
const written = (name: string, content: string | Buffer): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
const NOON = '2025-08-21T12:00:00Z';
const linesOf = (events: readonly object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');
const event = (name: string, properties: object, timestamp = NOON) => ({
  event: name,
  distinct_id: 'old',
  timestamp,
  properties,
});
const signIn = (day: number, username: string) => event('daily_sign_in', { username }, `2025-08-${10 + day}T12:00:00Z`);

/** In place of a file named `generated.ndjson`: its chunks are made when they are read. */
const generated = vi.hoisted(() => ({ chunks: function* (): Generator<Buffer> {} }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>();
  const createReadStream: typeof fs.createReadStream = (path, options) =>
    path === 'generated.ndjson'
      ? (Readable.from(generated.chunks(), { highWaterMark: 1 }) as any)
      : fs.createReadStream(path, options);
  return { ...fs, createReadStream };
});

/** A dry run without a stack: by the rules of the test's community. */
async function judged(file: string, columnOf = new Map<string, string>()) {
  const refused: Refused[] = [];
  const notes: string[] = [];
  const end = await judge(
    file,
    (each) => refused.push(each),
    columnOf,
    () => notes.push('mark'),
  );
  return { ...end, notes, faults: refused.map(({ line, error }) => `line ${line}: ${error}`) };
}

const judge = (
  file: string,
  onRefused: (refused: Refused) => void,
  columnOf = new Map<string, string>(),
  onMark = () => {},
) =>
  importEvents({
    source: { file, isCsv: file.includes('.csv'), columnOf, onMark },
    known: { reported: reportedKindsOf(rulebook), activity: activityEventsOf(rulebook.inForce) },
    http: { baseUrl: 'http://127.0.0.1:9', adminKey: '' },
    isDryRun: true,
    now: Date.parse('2026-08-21T12:00:00Z'),
    begin: nothingYet('', ''),
    onProgress: () => undefined,
    onRefused,
    flushReport: () => 0,
    signal: new AbortController().signal,
  });

describe('a file', () => {
  const HEAD = 'event,timestamp,username';
  const row = `daily_sign_in,${NOON},ada`;
  const csv = (...lines: readonly string[]) => [HEAD, ...lines].join('\r\n');

  it.each<[what: string, content: string | Buffer, accepted: number, faults: readonly string[]]>([
    [
      'with a row that is too short',
      csv(row, 'daily_sign_in,x', row),
      2,
      ['line 3: expected 3 cells as in the header, found 2'],
    ],
    ['with a row that is too long', csv(`${row},1`), 0, ['line 2: expected 3 cells as in the header, found 4']],
    [
      'with Latin-1 bytes',
      Buffer.from(csv(row, `daily_sign_in,${NOON},ren\u00e9`), 'latin1'),
      1,
      ['line 3: expected UTF-8, found the byte 0xE9 after 38 characters'],
    ],
    [
      'with a date without a zone',
      csv(row, 'daily_sign_in,2025-08-21 12:00,ada'),
      1,
      ['line 3: timestamp: expected an ISO 8601 time with Z or an offset, such as 2026-08-21T13:04:05Z'],
    ],
    ['with a quote that nothing closes', csv(row, '"daily_sign_in'), 1, ['line 3: a quote that nothing closes']],
    [
      'with a quote inside a cell',
      csv(`daily_sign_in,${NOON},a"da"`, row),
      1,
      ['line 2: a quote inside a cell that does not begin with one'],
    ],
    [
      'with text after a quoted cell',
      csv(`"daily_sign_in"s,${NOON},ada`, row),
      1,
      ['line 2: expected a comma after a quoted cell'],
    ],
    [
      'with quoted cells, line breaks and an empty line',
      csv(`"daily_sign_in","${NOON}","ada"`, '', `award,"x\r\ny""",ada`),
      1,
      [
        'line 4: timestamp: expected an ISO 8601 time with Z or an offset, such as 2026-08-21T13:04:05Z; properties.award_id: missing, expected 1 to 128 of A-Z a-z 0-9 . _ : -',
      ].map(() => expect.stringMatching(/^line 4: timestamp: expected an ISO/)),
    ],
    ['with a line that is too long', csv(row, 'x'.repeat(300_000), row), 2, ['line 3: longer than 262144 bytes']],
  ])('%s gets a sentence for that line, and its other lines are read', async (what, content, accepted, faults) => {
    expect(await judged(written(`${what}.csv`, content))).toMatchObject({ accepted, faults, refused: faults.length });
  });

  it.each<[what: string, content: string | Buffer, error: RegExp]>([
    [
      'without a column',
      'event,username\nx,y',
      /line 1: the column timestamp is missing, found event, username; --map timestamp=COLUMN/,
    ],
    ['with a column twice', `${HEAD},event\n`, /line 1: two columns are named event/],
    ['that is empty', '', /line 1: expected a header row/],
    ['in UTF-16', Buffer.from(`\ufeff${HEAD}`, 'utf16le'), /line 1: the file is UTF-16, expected UTF-8/],
  ])('%s is refused whole', async (what, content, error) => {
    await expect(judged(written(`${what}.csv`, content))).rejects.toThrow(error);
  });

  it('may begin with a byte order mark, which is told and skipped', async () => {
    const plain = await judged(written('mark.csv', `\ufeff${csv(row)}`));
    expect(plain).toMatchObject({ accepted: 1, faults: [], notes: ['mark'] });
  });

  it('may name its columns otherwise, in either direction, and be compressed', async () => {
    const content = gzipSync(`kind,when,username,login\nissue_created,${NOON},Ada L.,ada\n`);
    const file = written('mapped.csv.gz', content);
    const map = new Map(Object.entries({ event: 'kind', when: 'timestamp', username: 'login' }));

    expect((await judged(file, map)).faults).toEqual([expect.stringMatching(/^line 2: properties.issue_id: missing/)]);
    await expect(judged(file, new Map([['event', 'nothing']]))).rejects.toThrow(
      /--map names the column nothing, found kind, when/,
    );
  });

  it('of NDJSON may hold batches; a line that is not JSON is refused by its number', async () => {
    const file = written(
      'lines.ndjson',
      `${JSON.stringify({ events: [signIn(1, 'ada'), { event: 'X' }] })}\n\n{"event"\n${linesOf([signIn(2, 'ada')])}`,
    );

    expect(await judged(file)).toMatchObject({
      accepted: 2,
      faults: [expect.stringMatching(/^line 1: event:/), 'line 3: expected JSON'],
      from: '2025-08-11',
      to: '2025-08-12',
    });
  });

  it('may have any number of lines, of which no more than a chunk are held', async () => {
    const [lines, aChunk] = [300_000, 1_000];
    let [made, refused, held] = [0, 0, 0];
    generated.chunks = function* () {
      for (; made < lines; made += aChunk) yield Buffer.from('{"event"\n'.repeat(aChunk));
    };
    const end = await judge('generated.ndjson', ({ line, error }) => {
      refused += 1;
      if (line === refused && error === 'expected JSON') held = Math.max(held, made + aChunk - refused);
    });

    expect([end.line, end.refused, refused]).toEqual([lines, lines, lines]);
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(3 * aChunk); // of the stream's buffer, and of the reader
  });
});

describe('laurel import', () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack({ adapt: (model) => model }); // gathers batches as deployed
    stack.publish();
  });
  afterAll(() => stack.stop());
  const run = (...args: readonly string[]) => operate(stack.dataDirectory, 'import', ...args);
  const read = async (path: string) => await (await fetch(stack.baseUrl + path)).json();

  const year = Array.from({ length: 30 }, (_, n) => signIn(n % 12, `user-${n % 3}`));
  const version = { extension_name: '@guild/net', version: '2025.08.21.1' };
  const past = [
    ...year,
    event('extension_published', { ...version, collective: 'guild' }),
    event('extension_pulled', { ...version, username: 'user-1' }),
    event('award', { award_id: 'old', username: 'user-0', points: 50, reason: 'Helped' }),
    event('cli_invocation', { username: 'user-0', invocation: { command: 'model' } }),
    event('X', {}),
  ];

  it('writes nothing without --yes, and reports refused lines in a file', async () => {
    const file = written('past.ndjson', linesOf(past));

    expect(await run(file)).toMatchObject({
      code: 3,
      said: { dryRun: true, accepted: 34, refused: 1, from: '2025-08-10', to: '2025-08-21', report: `${file}.refused` },
    });
    expect(JSON.parse(readFileSync(`${file}.refused`, 'utf8'))).toMatchObject({ line: 35, code: 'invalid_event' });
    expect(await read('/v1/stats?username=user-0')).toMatchObject({ code: 'unknown_username' });
  });

  it('writes each fact once: a second time, all are duplicates', async () => {
    const members = { method: 'PUT', headers: { 'x-api-key': stack.adminKey, 'content-type': 'application/json' } };
    await fetch(`${stack.baseUrl}/v1/collectives/guild`, {
      ...members,
      body: JSON.stringify({ members: ['user-0', 'user-2'] }),
    });
    const file = written('past.ndjson', linesOf(past));

    expect((await run(file, '--yes')).said).toMatchObject({
      dryRun: false,
      done: true,
      accepted: 34 - 18,
      duplicates: 18,
      refused: 1,
    });
    expect((await run(file, '--yes')).said).toMatchObject({ accepted: 0, duplicates: 34, refused: 1 });
    await stack.drain();
    expect(await read('/v1/stats?username=user-0')).toMatchObject({
      eventCounts: { daily_sign_in: 4, cli_invocation: 1 },
      activeDates: ['2025-08-21'],
      devices: 1,
    });
    expect((await read('/v1/scores/user-2')).scoreSources['content:extension-publishes']).toMatchObject({
      points: 500,
    });
    expect((await read('/v1/scores/user-2')).scoreSources['content:extension-pulls']).toMatchObject({ points: 5 });
  });

  it('is shown by histories of days long past, once they are refolded', async () => {
    const old = (days: number) => addDays(dateOf(Date.now()), -days);
    const events = [200, 150, 149].map((days) =>
      event('daily_sign_in', { username: 'elder' }, `${old(days)}T12:00:00Z`),
    );
    const reward = { award_id: 'elder', username: 'elder', points: 50, reason: '=1+1, "so"' };
    await run(written('elder.ndjson', linesOf([...events, event('award', reward, `${old(140)}T12:00:00Z`)])), '--yes');
    await stack.drain();
    const history = async () => {
      const { days } = await read(`/v1/scores/elder/history?from=${old(205)}&to=${old(0)}`);
      return new Map<string, number>(days.map(({ date, canonicalScore }: any) => [date, canonicalScore]));
    };
    expect((await history()).has(old(140))).toBe(false);
    expect((await history()).get(old(90))).toBe(80);

    const backfill = ['backfill', '--mode', 'history', '--from', old(205), '--to', old(0), '--usernames', 'elder'];
    expect(await operate(stack.dataDirectory, ...backfill)).toMatchObject({
      code: 0,
      said: { mode: 'history', recomputed: 1 },
    });
    await stack.drain();
    const told = await history();
    expect([205, 201, 200, 150, 149, 141, 140, 92, 91, 0].map((days) => told.get(old(days)))).toEqual([
      ...[undefined, undefined, 10, 20, 30, 30, 80, 80, 80, 80],
    ]);
  });

  describe('lists as CSV', () => {
    /** RFC 4180, for texts without line breaks inside a cell. */
    const rowsOf = (csv: string) => {
      expect(csv.endsWith('\r\n')).toBe(true);
      return csv
        .slice(0, -2)
        .split('\r\n')
        .map((line) =>
          [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/gu)].map(
            ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain,
          ),
        );
    };
    const to = Date.now();

    it.each<[name: string, path: string, columns: string, rows: (body: any) => number]>([
      [
        'board',
        '/v1/leaderboards/alltime',
        'rank,username,points,canonicalScore,tier,change',
        (body) => body.rows.length,
      ],
      [
        'series',
        `/community-metrics/series?since=${to - 5 * 86_400_000}&to=${to}`,
        'date,cli_invocations,',
        (body) => body.steps_start_times.length,
      ],
      [
        'extensions',
        '/community-metrics/extensions',
        'extension,publisher,versions,pulls,',
        (body) => body.data.length,
      ],
      ['grants', '/v1/scores/elder/grants', 'grantId,key,category,source,amount,', (body) => body.grants.length],
      ['history', '/v1/scores/elder/history', 'date,canonicalScore', (body) => body.days.length],
    ])('answers %s with one header row and a row for each item', async (_name, path, columns, count) => {
      const ask = (query: string, accept: string) =>
        fetch(stack.baseUrl + path + (query === '' ? '' : `${path.includes('?') ? '&' : '?'}${query}`), {
          headers: { accept },
        });
      const byQuery = await ask('format=csv', '*/*');
      const text = await byQuery.text();

      expect(byQuery.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(text.startsWith(columns)).toBe(true);
      expect(await (await ask('', 'text/csv')).text()).toBe(text);
      const rows = rowsOf(text);
      expect(rows.length).toBe(1 + count(await (await ask('', 'application/json')).json()));
      expect(new Set(rows.map((row) => row.length)).size).toBe(1);
    });

    it('write a cell that a spreadsheet would run as text', async () => {
      const csv = await (await fetch(`${stack.baseUrl}/v1/scores/elder/grants?format=csv`)).text();
      expect(csv).toContain(`"'=1+1, ""so"""`);
    });

    it('are exported page by page', async () => {
      const rewards = Array.from({ length: 1_100 }, (_, n) =>
        event('award', { award_id: `many-${n}`, username: 'elder', points: 1, reason: 'r' }),
      );
      await run(written('many.ndjson', linesOf(rewards)), '--yes');
      await stack.drain();
      const output = join(directory, 'grants.csv');

      expect(await operate(stack.dataDirectory, 'export-csv', 'grants', 'elder', '--output', output)).toMatchObject({
        code: 0,
        said: { pages: 2 },
      });
      const rows = rowsOf(readFileSync(output, 'utf8'));
      const ids = rows.slice(1).map(([id]) => id);
      expect([rows[0]![0], new Set(ids).size]).toEqual(['grantId', ids.length]);
      expect(ids.length).toBeGreaterThan(1_100);
      const dates = ['--from', '2025-01-01', '--to', '2026-12-01', '--local', stack.dataDirectory];
      const { stdout } = await spawnOperator(['export-csv', 'history', 'elder', ...dates]).ended;
      expect(stdout.match(/date,canonicalScore/gu)).toHaveLength(1);
      const unknown = await operate(stack.dataDirectory, 'export-csv', 'board', 'none', '--output', output);
      expect(unknown).toMatchObject({ code: 1, said: { code: 'unknown_board' } });
    });
  });

  it('goes on where it was after a kill', async () => {
    const events = Array.from({ length: 4_100 }, (_, n) =>
      event('issue_created', { username: `user-${n % 2}`, issue_id: `${n}` }),
    );
    const file = written('killed.ndjson', linesOf(events));
    const first = spawnOperator(['import', file, '--yes', '--local', stack.dataDirectory, '--json']);
    await until(() => existsSync(`${file}.import`));
    first.process.kill('SIGKILL');
    await first.ended;
    const { line } = JSON.parse(readFileSync(`${file}.import`, 'utf8'));
    expect(line).toBeLessThan(4_100);

    const { said } = await run(file, '--yes');
    expect([said.done, said.refused, said.lines]).toEqual([true, 0, 4_100]);
    expect(said.accepted + said.duplicates).toBe(4_100);
    expect(existsSync(`${file}.import`)).toBe(false);
    expect((await run(file, '--yes')).said).toMatchObject({ accepted: 0, duplicates: 4_100 });
  });
});
