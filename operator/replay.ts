import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { CreatedKey } from '../domain/identity/create-key.ts';
import { callApi, jsonOf, sendHttp } from './api.ts';
import type { Connection, HttpAccess } from './connection.ts';
import { OperatorError, usageError } from './outcome.ts';
import { readRecording, type RecordedRequest, type RecordingSummary, shifted } from './recording.ts';

const Counts = z.object({
  accepted: z.int(),
  duplicates: z.int(),
  rejected: z.int(),
  /** The number of requests answered with 4xx, by status. */
  refused: z.record(z.string(), z.int()),
});
export type Counts = z.infer<typeof Counts>;

/** The progress of a replay. Its settings are fixed at the start, otherwise the same events would count as new ones. */
const State = z.object({
  fingerprint: z.string(),
  target: z.string(),
  shiftDays: z.int(),
  sent: z.int(),
  counts: Counts,
});
export type State = z.infer<typeof State>;
const Keys = z.record(z.string(), z.string());

export type StateFile = {
  load(): State | undefined;
  save(state: State): void;
  keys(): Record<string, string>;
  saveKeys(keys: Readonly<Record<string, string>>): void;
  /** Deletes the progress and keeps the keys. */
  restart(): void;
};

export const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

export function stateFile(path: string): StateFile {
  if (!isDirectory(dirname(path)) || isDirectory(path)) {
    throw usageError(`--state: expected a file in a directory that exists, not ${path}`);
  }
  const keysPath = `${path}.keys`;
  const read = (file: string): unknown => (existsSync(file) ? jsonOf(readFileSync(file, 'utf8')) : undefined);
  const write = (file: string, value: unknown) => {
    writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600 }); // one of the files holds keys
    renameSync(`${file}.new`, file); // atomic
  };
  return {
    load() {
      if (!existsSync(path)) return undefined;
      const { data } = State.safeParse(read(path));
      if (data !== undefined) return data;
      throw usageError(`--state: ${path} is not the state of a replay; choose another file, or --restart`);
    },
    save: (state) => write(path, state),
    keys() {
      if (!existsSync(keysPath)) return {};
      const { data } = Keys.safeParse(read(keysPath));
      if (data !== undefined) return data;
      throw usageError(`--state: ${keysPath} does not hold the keys of a replay; delete it, or choose another --state`);
    },
    saveKeys: (keys) => write(keysPath, keys),
    restart: () => rmSync(path, { force: true }),
  };
}

/** The state to continue with: the stored one if it belongs to this recording and stack, otherwise a new one. */
export function stateFor(
  kept: State | undefined,
  summary: RecordingSummary,
  connection: Connection,
  shiftDays: () => number,
): State {
  if (kept === undefined) {
    const counts = { accepted: 0, duplicates: 0, rejected: 0, refused: {} };
    return { fingerprint: summary.fingerprint, target: connection.identity, shiftDays: shiftDays(), sent: 0, counts };
  }
  const other = kept.fingerprint !== summary.fingerprint ? 'recording' : 'stack';
  if (kept.fingerprint === summary.fingerprint && kept.target === connection.identity) return kept;
  throw usageError(`the state beside the recording belongs to another ${other}: choose another --state, or --restart`);
}

export const readKeysFile = (path: string): Record<string, string> => {
  if (!existsSync(path) || isDirectory(path)) throw usageError(`--keys: there is no file ${path}`);
  const { data } = Keys.safeParse(jsonOf(readFileSync(path, 'utf8')));
  if (data === undefined) throw usageError(`--keys: ${path} is not a JSON object of usernames and keys`);
  return data;
};

const WhoAmI = z.object({ username: z.string().nullable() });

/** A key for each username: given keys, keys of an earlier run, and new keys, which are stored at once. */
export async function keysFor(
  http: HttpAccess,
  usernames: readonly string[],
  given: Readonly<Record<string, string>>,
  file: StateFile,
): Promise<ReadonlyMap<string, string>> {
  const made = file.keys();
  let isChecked = false;
  for (const username of usernames) {
    if (Object.hasOwn(given, username)) continue;
    const kept = Object.hasOwn(made, username) ? made[username] : undefined;
    // The API would refuse every request with a key of another stack, or of one that was started with --fresh since.
    if (kept !== undefined && (isChecked || (await isKeyOf(http, kept, username)))) {
      isChecked = true;
      continue;
    }
    const body = { kind: 'personal', username, label: 'replay' };
    made[username] = (await callApi(http, { method: 'POST', path: '/v1/keys', body, answer: CreatedKey })).key;
    file.saveKeys(made);
  }
  return new Map(Object.entries({ ...made, ...given }));
}

async function isKeyOf(http: HttpAccess, key: string, username: string): Promise<boolean> {
  const { status, text } = await sendHttp(http.baseUrl, {
    method: 'GET',
    path: '/api/whoami',
    headers: { 'x-api-key': key },
  });
  return status === 200 && WhoAmI.safeParse(jsonOf(text)).data?.username === username;
}

export type Replay = {
  readonly file: string;
  readonly baseUrl: string;
  readonly keys: ReadonlyMap<string, string>;
  readonly state: State;
  readonly save: (state: State) => void;
  readonly onSent: (state: State) => void;
  readonly signal: AbortSignal;
};

/**
 * Sends the remaining requests one by one, in recorded order: if two keys send the same event, the first one counts. A
 * request is marked as done after its answer. An interrupted request is sent again, and its events are duplicates.
 */
export async function replay({ file, baseUrl, keys, state, save, onSent, signal }: Replay): Promise<State> {
  let current = state;
  let index = 0;
  save(current);
  for await (const request of readRecording(file)) {
    index += 1;
    if (index <= state.sent) continue;
    if (signal.aborted) break;
    const counts = await sendRecorded(baseUrl, keys, request, current);
    current = { ...current, sent: index, counts };
    save(current);
    onSent(current);
  }
  return current;
}

const Answer = z.object({ accepted: z.int(), duplicates: z.int(), rejected: z.int() });
/** Headers that the HTTP client sets itself for the body that it sends. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'x-api-key',
]);

async function sendRecorded(
  baseUrl: string,
  keys: ReadonlyMap<string, string>,
  { path, key, headers, body }: RecordedRequest,
  { shiftDays, counts }: State,
): Promise<Counts> {
  const kept = Object.entries(headers).filter(([name]) => {
    const lower = name.toLowerCase();
    return !NOT_SENT.has(lower) && lower !== 'content-encoding'; // the recorded body is not compressed
  });
  const apiKey = key === null ? undefined : keys.get(key);
  const { status, text } = await sendHttp(baseUrl, {
    method: 'POST',
    path,
    headers: {
      'content-type': 'application/json',
      ...Object.fromEntries(kept.map(([name, value]) => [name.toLowerCase(), value])),
      ...(apiKey !== undefined && { 'x-api-key': apiKey }),
    },
    body: JSON.stringify(shifted(body, shiftDays)),
  });
  if (status === 429 || status >= 500) {
    throw new OperatorError(
      `http_${status}`,
      `${path} answered ${status}: run the same command again to continue from here`,
    );
  }
  const { data } = Answer.safeParse(jsonOf(text));
  const sum = {
    accepted: counts.accepted + (data?.accepted ?? 0),
    duplicates: counts.duplicates + (data?.duplicates ?? 0),
    rejected: counts.rejected + (data?.rejected ?? 0),
  };
  const { refused } = counts;
  if (status < 400) return { ...sum, refused };
  return { ...sum, refused: { ...refused, [status]: (refused[status] ?? 0) + 1 } };
}
