import type { RawEvent } from '../../test/builders/telemetry.ts';
import type { Rules } from './functions.ts';

/** The key of a request: a user's, the collective's, a server's, an administrator's, or none. */
export type Key = 'ada' | 'bob' | 'cy' | 'gus' | 'guild' | 'server' | 'admin' | null;

/** A version, or all versions of a channel, or all versions. */
export type NamedVersions = {
  readonly name: string;
  readonly version?: string | undefined;
  readonly channel?: string | undefined;
};

/** A request of a client, repeated until it is answered. */
export type Ask =
  | { readonly kind: 'ingest'; readonly key: Key; readonly events: readonly RawEvent[] }
  /** Old facts, by the one door that changes sealed days. */
  | { readonly kind: 'import'; readonly events: readonly RawEvent[] }
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
  | { readonly kind: 'visibility'; readonly username: string; readonly isHidden: boolean }
  | { readonly kind: 'rename'; readonly username: string; readonly to: string }
  | { readonly kind: 'merge'; readonly username: string; readonly into: string }
  | { readonly kind: 'unmerge' | 'erase' | 'link' | 'unlink'; readonly username: string };

export const STREAMED = ['telemetry', 'score_grants', 'registry', 'user_scores'] as const;
export const QUEUES = ['score-refresh', 'roll-up', 'rank', 'backfill', 'erase'] as const;
export type StreamedTable = (typeof STREAMED)[number];
export type QueueName = (typeof QUEUES)[number];

/** What is no request of a client. */
export type Work =
  /** Some of a stream's records, or of a queue's messages, reach their function. */
  | { readonly kind: 'announce'; readonly table: StreamedTable }
  | { readonly kind: 'deliver'; readonly queue: QueueName }
  /** All stream records are announced, then a queue is delivered after its delay. */
  | { readonly kind: 'drain'; readonly queue: QueueName; readonly seconds: number }
  /** A backfill by hand or by its schedule. */
  | { readonly kind: 'backfill'; readonly event: object }
  | { readonly kind: 'scheduled'; readonly event: object }
  /** Functions with other rules, and the backfill that follows; messages and invocations of the ones before remain. */
  | { readonly kind: 'deploy'; readonly rules: Rules }
  /** Seconds pass, and work continues meanwhile. */
  | { readonly kind: 'wait'; readonly seconds: number }
  /** Hours or days pass. Running invocations are over by then. */
  | { readonly kind: 'jump'; readonly hours: number }
  /** Somebody deletes a user's projections; a backfill restores them. */
  | { readonly kind: 'forget'; readonly username: string }
  | { readonly kind: 'poison'; readonly queue: QueueName }
  | { readonly kind: 'redrive'; readonly queue: QueueName }
  /** Somebody puts an unreadable item into the telemetry. */
  | { readonly kind: 'stray' };

/** One action of a schedule. */
export type Act = Ask | Work;

const WORK = {
  ...{ announce: true, deliver: true, drain: true, backfill: true, scheduled: true, deploy: true, wait: true },
  ...{ jump: true, forget: true, poison: true, redrive: true, stray: true },
} satisfies Readonly<Record<Work['kind'], true>>;
export const isWork = (act: Act): act is Work => act.kind in WORK;

export type Step = {
  /** Its position in the original schedule, which is its name, also after others were removed. */
  readonly number: number;
  readonly act: Act;
  /** The number of requests to release before the next step, of any running invocation. */
  readonly requests: number;
};

export type Schedule = {
  /** Determines the whole schedule, on every machine. */
  readonly seed: number;
  /** Epoch milliseconds. */
  readonly startsAt: number;
  /** True if hours are rolled up. A roll-up takes as many requests as everything else. */
  readonly hasRollups: boolean;
  /** True if the boards are built. */
  readonly hasBoards: boolean;
  /** The share of tries with a fault. */
  readonly faultRate: number;
  /** The share of tries at which an invocation is held for some steps while others overtake it. */
  readonly holdRate: number;
  /** True if only workers of queues are held, and no client's request. */
  readonly holdsWorkers: boolean;
  readonly steps: readonly Step[];
  /** The names of tries without a fault. */
  readonly without: readonly string[];
};

function eventText({ event, distinct_id, insert_id, timestamp, properties }: RawEvent): string {
  return `${event} ${insert_id ?? ''} of ${distinct_id} at ${timestamp ?? '?'} ${JSON.stringify(properties ?? {})}`;
}

type Served = Pick<Schedule, 'hasRollups' | 'hasBoards' | 'steps'>;
const hasAct = ({ steps }: Pick<Schedule, 'steps'>, kind: Act['kind']) => steps.some(({ act }) => act.kind === kind);

/** The queues and streams that a schedule serves. Others are left out, because nothing checks their results. */
export const queuesOf = (schedule: Served): readonly QueueName[] => {
  const leftOut: readonly QueueName[] = [
    ...(schedule.hasRollups ? [] : (['roll-up'] as const)),
    ...(schedule.hasBoards ? [] : (['rank'] as const)),
    ...(hasAct(schedule, 'erase') ? [] : (['erase'] as const)),
  ];
  return QUEUES.filter((queue) => !leftOut.includes(queue));
};
export const streamsOf = (schedule: Served): readonly StreamedTable[] =>
  STREAMED.filter(
    (table) =>
      table !== 'user_scores' ||
      schedule.hasBoards ||
      (['merge', 'link', 'erase'] as const).some((kind) => hasAct(schedule, kind)),
  );

/** A step as a readable line. */
export function textOf({ number, act, requests }: Step): string {
  const then = `, then ${requests} requests`;
  if (act.kind !== 'ingest' && act.kind !== 'import') return `${number}: ${JSON.stringify(act)}${then}`;
  const events = act.events.map((event) => `\n      ${eventText(event)}`);
  const what = act.kind === 'import' ? 'import' : `ingest by ${act.key ?? 'nobody'}`;
  return `${number}: ${what}${then}${events.slice(0, 8).join('')}${events.length > 8 ? `\n      … ${events.length} events` : ''}`;
}
