import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { type Connection, hintOf, type Target } from '../connection.ts';
import { logHint, type Reason, reasonsOf } from '../dead-letter-reason.ts';
import { addOperation, type Runtime, wholeNumber } from '../operation.ts';
import { EXIT, usageError } from '../outcome.ts';
import { counted, durationText, orUnknown, tableOf } from '../output.ts';
import {
  type DeadLetterQueue,
  deadLetterQueue,
  deadLetterQueues,
  look,
  readQueue,
  type ReceivedMessage,
} from '../queues.ts';
import { redrive } from '../redrive.ts';

/** The number of messages that a redrive checks before it starts. */
const MAX_LOOKED_AT = 100;
/** The number of message ids in a suggested command. */
const MAX_HINTED = 10;
/** The number of characters of a body in a table. */
const SHOWN = 200;

export type DeadLetter = {
  readonly messageId: string;
  readonly body: string;
  readonly receives: number;
  readonly firstSentAt: string;
  readonly ageSeconds: number;
  readonly reason: Reason;
};

/** Adds `dead-letters` and `redrive`. */
export function addDeadLetterCommands(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'dead-letters [queue]',
    summary: 'show messages that failed too often, and why; nothing is removed',
    options: [new Option('--limit <number>', 'the maximum number of messages to show per queue').default('100')],
    help: `
Queue is a role: score-refresh, backfill, announce-changes … ; without it, all queues are shown. Each message is hidden
from other consumers for about a second while it is read. Its receive count covers both queues and includes these reads.
A dead letter carries no error: the reason comes from its body and, on a local stack, from the function's log. If the
reason is unknown, the answer names the log that has it. Exits with ${EXIT.found} if there are dead letters.

  laurel dead-letters
  laurel dead-letters score-refresh --stage prod --json | jq -r '.queues[].deadLetters[].body'
`,
    input: { queue: z.string().optional(), limit: wholeNumber(1, 1_000) },
    async run({ connect, output, clock }, { queue, limit }) {
      const connection = connect();
      const chosen =
        queue === undefined ? await deadLetterQueues(connection) : [await deadLetterQueue(connection, queue)];
      const looked = await settleAll(chosen, chosen.length, (each) => lookInto(connection, each, limit, clock()));
      output.result(
        { queues: looked.map(({ text: _, ...rest }) => rest) },
        looked.map(({ text }) => text).join('\n\n'),
      );
      return looked.some(({ deadLetters }) => deadLetters.length > 0) ? EXIT.found : EXIT.ok;
    },
  });

  addOperation(program, runtime, {
    usage: 'redrive <queue>',
    summary: 'send dead letters back to the queue that they failed in',
    options: [
      new Option('--dry-run', 'print how many messages would move, and move none'),
      new Option('--rate <number>', 'the maximum number of messages per second'),
    ],
    help: `
A redrive is always safe and can be repeated: a message only asks for a recomputation, and changes nothing if the work was
done meanwhile. Fix the cause first, otherwise the messages return after five more tries. On AWS this starts SQS's own move
task, which continues after you leave. On other engines messages are sent and deleted one by one.

  laurel redrive score-refresh --dry-run
  laurel redrive score-refresh --stage prod --rate 20
`,
    input: { queue: z.string(), dryRun: z.boolean().default(false), rate: wholeNumber(1, 500).optional() },
    async run({ connect, output, clock }, { queue, dryRun, rate }) {
      const connection = connect();
      const chosen = await deadLetterQueue(connection, queue);
      const { role, url, holds, source } = chosen;
      if (holds !== 'messages') throw usageError(`${role}: ${cureOf(holds, connection.target)}`);
      if (source === undefined) throw usageError(`${role}: its messages have no source queue to return to`);
      const sqs = connection.sqs();
      const looked = await deadLettersOf(connection, chosen, await look(sqs, url, MAX_LOOKED_AT), clock());
      const hopeless = looked.filter(({ reason }) => reason.kind === 'unreadable');
      if (hopeless.length > 0) {
        const hint = hintOf(connection.target, `dead-letters ${source.role}`);
        if (hopeless.length === looked.length && looked.length < MAX_LOOKED_AT) {
          throw usageError(
            `${role}: its messages can never be read, so a redrive does not help. Look at them and discard them: ${hint}`,
          );
        }
        output.note(
          `${counted(hopeless.length, 'message')} can never be read and will come back. To look at each and discard it: ${hint}`,
        );
      }
      const { waiting, inFlight } = await readQueue(sqs, url);
      // A message that somebody reads right now is in flight, and becomes visible again.
      const messages = waiting === null || inFlight === null ? null : waiting + inFlight;
      const way = { from: role, to: source.role, messages, dryRun };
      if (dryRun) {
        output.result({ ...way, moved: 0 }, `${orUnknown(messages)} messages would go from ${role} to ${source.role}`);
        return EXIT.ok;
      }
      const bar = output.progress(`${role} → ${source.role}`, messages ?? 0);
      const { moved, by } = await redrive({
        sqs,
        from: url,
        to: source.url,
        rate,
        clock,
        wait: (milliseconds) => sleep(milliseconds),
        onMoved: (count, total) => bar.update(count, { total: Math.max(total ?? messages ?? 0, count) }),
      }).finally(() => bar.stop());
      output.result({ ...way, moved, by }, `${moved} messages went from ${role} to ${source.role}`);
      return EXIT.ok;
    },
  });
}

/** How to repair the work behind entries that cannot be sent back. */
const cureOf = (holds: 'positions' | 'invocations', target: Target): string => {
  switch (holds) {
    case 'positions':
      return (
        'it holds positions in a stream, not messages, so a redrive is impossible. Fix the cause, then recompute all users ' +
        `with \`${hintOf(target, 'backfill --mode all')}\`: a score whose change was missed looks current, so \`stale\` skips it`
      );
    case 'invocations':
      return (
        'it holds invocations that a schedule could not start. Fix the cause; the next scheduled run does their work, or run ' +
        `\`${hintOf(target, 'backfill --mode stale')}\` now`
      );
  }
};

async function lookInto(connection: Connection, queue: DeadLetterQueue, limit: number, now: number) {
  const sqs = connection.sqs();
  const { target } = connection;
  const { waiting, inFlight } = await readQueue(sqs, queue.url);
  // Independent of the depth, which is only approximate.
  const messages = await look(sqs, queue.url, limit);
  const deadLetters = await deadLettersOf(connection, queue, messages, now);
  const { holds, source, role, consumer } = queue;
  const log = messages.length === 0 || consumer === undefined ? undefined : logHint(connection, consumer);
  const hopeless = deadLetters.filter(({ reason }) => reason.kind === 'unreadable');
  const discardable = holds === 'messages' ? hopeless : deadLetters;
  const ids = discardable.slice(0, MAX_HINTED).map(({ messageId }) => messageId);
  const discard =
    ids.length === 0 ? undefined : hintOf(target, `discard ${source?.role ?? role} --message ${ids.join()}`);
  const redrivable = deadLetters.length === 0 || hopeless.length < deadLetters.length;
  const retry = redrivable ? hintOf(target, `redrive ${source?.role ?? role}`) : undefined;
  const cure = holds === 'messages' ? (retry ?? discard) : cureOf(holds, target);
  return {
    queue: role,
    holds,
    ...{ waiting, inFlight, deadLetters },
    ...(log === undefined ? {} : { log }),
    cure,
    ...(discard === undefined ? {} : { discard }),
    text: textOf(role, deadLetters, limit, [
      ...(log === undefined ? [] : [`Its function's log:   ${log}`]),
      ...(holds === 'messages' ? [] : [`Here ${cure}.`]),
      ...(holds === 'messages' && retry !== undefined ? [`After the fix:        ${retry}`] : []),
      ...(discard === undefined
        ? []
        : [`${holds === 'messages' ? 'Can never be read:   ' : 'After that:          '} ${discard}`]),
    ]),
  };
}

/** Messages as they are shown to people. */
export async function deadLettersOf(
  connection: Connection,
  queue: DeadLetterQueue,
  messages: readonly ReceivedMessage[],
  now: number,
): Promise<readonly DeadLetter[]> {
  const reasons = await reasonsOf(connection, queue, messages);
  return messages.map(({ id, body, receives, sentAt }) => ({
    messageId: id,
    body,
    receives,
    firstSentAt: new Date(sentAt).toISOString(),
    ageSeconds: Math.max(0, Math.round((now - sentAt) / 1_000)),
    reason: reasons.get(id) ?? { kind: 'unknown', text: '' },
  }));
}

function textOf(role: string, deadLetters: readonly DeadLetter[], limit: number, hints: readonly string[]): string {
  if (deadLetters.length === 0) return `${role}: empty`;
  const table = tableOf(
    ['message', 'age', 'receives', 'why', 'body'],
    deadLetters.map(({ messageId, ageSeconds, receives, reason, body }) => [
      messageId,
      durationText(ageSeconds),
      receives,
      whyOf(reason),
      body.length > SHOWN ? `${body.slice(0, SHOWN)}…` : body,
    ]),
  );
  return [`${role}: ${deadLetters.length}${deadLetters.length >= limit ? ' or more' : ''}`, table, ...hints].join('\n');
}

export const whyOf = ({ kind, text }: Reason): string => `${kind}: ${text}`;
