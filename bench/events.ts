import { createHash } from 'node:crypto';

/** The commands of a typical day and their results. */
export const USUAL_COMMANDS = ['model', 'workflow', 'data', 'extension', 'repo'] as const;

export const BATCH = 25; // the batch size of the real client

/** A UUID derived from a name: it has the real format and length, and is the same in every run. */
export function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

type EventDraft = {
  readonly device: string;
  /** Distinguishes the device's events. */
  readonly number: number;
  readonly at: string;
  readonly command?: string;
  /** Events with another name have no command. */
  readonly event?: string;
};

/** An event with the size and shape of the real client's events. Every tenth one failed. */
export function eventOf({ device, number, at, event = 'cli_invocation', command }: EventDraft) {
  const id = uuidOf(`${device}/${number}`);
  const usual = USUAL_COMMANDS[number % USUAL_COMMANDS.length];
  return {
    event,
    distinct_id: uuidOf(device),
    insert_id: id,
    properties: {
      id,
      invocation: {
        command: command ?? usual,
        args: ['<REDACTED>'],
        optionKeys: ['--input'],
        globalOptions: [],
        subcommand: 'run',
      },
      result: number % 10 === 9 ? { status: 'user_error', exitCode: 1 } : { status: 'success', exitCode: 0 },
      startedAt: at,
      completedAt: at,
      durationMs: 1_234,
      platform: 'linux',
      invocationContext: { agentSessionDetected: false, isInteractive: true, externalDatastoreConfigured: false },
      $repo_id: uuidOf(`${device}/repository`),
    },
  };
}

/** `count` events of one device at one time, numbered from `from`. */
export const eventsOf = (device: string, at: string, from: number, count = BATCH) =>
  Array.from({ length: count }, (_, index) => eventOf({ device, number: from + index, at }));

/** The event that the gateway sends to the function, in payload format 2.0. */
export const ingestRequest = (events: readonly object[], key?: string): object => ({
  version: '2.0',
  routeKey: 'POST /ingest',
  rawPath: '/ingest',
  rawQueryString: '',
  headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'x-api-key': key }) },
  requestContext: { requestId: 'bench', http: { method: 'POST', path: '/ingest' } },
  body: JSON.stringify({ events }),
  isBase64Encoded: false,
});
