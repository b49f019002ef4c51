import type { RawEvent } from '../../test/builders/telemetry.ts';

/** Whose key a request carries: a user's, the collective's, a server's, an administrator's, or none. */
export type Key = 'ada' | 'bob' | 'cy' | 'guild' | 'server' | 'admin' | null;

/** A version; or without one all of a channel; or all. */
export type NamedVersions = {
  readonly name: string;
  readonly version?: string | undefined;
  readonly channel?: string | undefined;
};

/** A request of a client, sent again until it is answered. */
export type Ask =
  | { readonly kind: 'ingest'; readonly key: Key; readonly events: readonly RawEvent[] }
  | { readonly kind: 'award' | 'badge'; readonly id: string; readonly username: string; readonly points: number }
  | { readonly kind: 'reverse'; readonly grantId: string }
  | {
      readonly kind: 'confirm';
      readonly key: Key;
      readonly name: string;
      readonly version: string;
      readonly channel: string;
      readonly hash: string;
    }
  | ({ readonly kind: 'yank' | 'unyank'; readonly key: Key } & NamedVersions)
  | { readonly kind: 'transfer'; readonly key: Key; readonly name: string; readonly to: string }
  | { readonly kind: 'accept'; readonly key: Key; readonly name: string }
  | { readonly kind: 'members'; readonly members: readonly string[] }
  | { readonly kind: 'unbind'; readonly device: string }
  | { readonly kind: 'visibility'; readonly username: string; readonly isHidden: boolean };

export const STREAMED = ['telemetry', 'score_grants', 'registry', 'user_scores'] as const;
export const QUEUES = ['score-refresh', 'roll-up', 'rank', 'backfill'] as const;
export type StreamedTable = (typeof STREAMED)[number];
export type QueueName = (typeof QUEUES)[number];

/** One thing that happens. */
export type Act =
  | Ask
  /** Some of a stream's records, or of a queue's messages, reach their function. */
  | { readonly kind: 'announce'; readonly table: StreamedTable }
  | { readonly kind: 'deliver'; readonly queue: QueueName }
  /** All of the streams is announced, then a queue is delivered once its delay is over. */
  | { readonly kind: 'pump'; readonly queue: QueueName; readonly seconds: number }
  /** A backfill by hand, or by its schedule. */
  | { readonly kind: 'backfill'; readonly event: object }
  | { readonly kind: 'scheduled'; readonly event: object }
  /** Seconds pass, while all goes on. */
  | { readonly kind: 'wait'; readonly seconds: number }
  /** Hours or days pass: whatever a function had begun is over by then. */
  | { readonly kind: 'jump'; readonly hours: number }
  /** A hand removes what is stored of a user's projections; a backfill brings it back. */
  | { readonly kind: 'forget'; readonly username: string }
  | { readonly kind: 'poison'; readonly queue: QueueName }
  | { readonly kind: 'redrive'; readonly queue: QueueName }
  /** A hand puts an item into the telemetry that nobody can read. */
  | { readonly kind: 'stray' };

export type Step = {
  /** Its place in the schedule as it was made: its name, also when others are taken away. */
  readonly number: number;
  readonly act: Act;
  /** Requests let through before the next step begins, of whatever runs by then. */
  readonly requests: number;
};

export type Schedule = {
  /** All of it follows from this number, on every machine. */
  readonly seed: number;
  /** Epoch milliseconds. */
  readonly startsAt: number;
  /** Whether hours are rolled up: a rollup takes as many requests as all else. */
  readonly hasRollups: boolean;
  /** Whether the boards are built. */
  readonly hasBoards: boolean;
  /** Of the tries of requests. */
  readonly faultRate: number;
  /** Of the tries of requests: those at which an invocation stands still for some steps, while others pass. */
  readonly holdRate: number;
  /** Whether only what works through queues stands still, and no client's request. */
  readonly holdsWorkers: boolean;
  readonly steps: readonly Step[];
  /** Tries that no fault shall befall, by name. */
  readonly without: readonly string[];
};

function eventText({ event, distinct_id, insert_id, timestamp, properties }: RawEvent): string {
  return `${event} ${insert_id ?? ''} of ${distinct_id} at ${timestamp ?? '?'} ${JSON.stringify(properties ?? {})}`;
}

/** The queues and streams that a schedule serves: what no one would look at is left out. */
export const queuesOf = ({ hasRollups, hasBoards }: Pick<Schedule, 'hasRollups' | 'hasBoards'>): readonly QueueName[] =>
  QUEUES.filter((queue) => (queue !== 'roll-up' || hasRollups) && (queue !== 'rank' || hasBoards));
export const streamsOf = ({ hasBoards }: Pick<Schedule, 'hasBoards'>): readonly StreamedTable[] =>
  STREAMED.filter((table) => table !== 'user_scores' || hasBoards);

/** A step as a line to read. */
export function textOf({ number, act, requests }: Step): string {
  const then = `, then ${requests} requests`;
  if (act.kind !== 'ingest') return `${number}: ${JSON.stringify(act)}${then}`;
  const events = act.events.map((event) => `\n      ${eventText(event)}`);
  return `${number}: ingest by ${act.key ?? 'nobody'}${then}${events.slice(0, 8).join('')}${events.length > 8 ? `\n      … ${events.length} events` : ''}`;
}
