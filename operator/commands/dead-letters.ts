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

/** How many messages tell a redrive what is in the queue. */
const MOST_LOOKED_AT = 100;
/** How many messages a hint names. */
const MOST_HINTED = 10;
/** How much of a body a table shows. */
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
    summary: 'what could not be handled, and why; takes nothing away',
    options: [new Option('--limit <number>', 'messages to look at, of each queue').default('100')],
    help: `
Queue is a role: score-refresh, backfill, announce-changes … ; without one, all are looked at. Each message is hidden
from others for the second that the look takes. Its count of receives is over both queues, looks included. A dead
letter carries no error: the reason is read from its body and, on a local stack, from the function's log; where it is
unknown, the answer says which log has it. Exits with ${EXIT.found} where there are any.

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
    summary: 'send dead letters back to the queue they failed in',
    options: [
      new Option('--dry-run', 'say how many would go where, and move nothing'),
      new Option('--rate <number>', 'at most so many messages a second'),
    ],
    help: `
Always safe, and safe to repeat: a message only says what to recompute, and one whose work was done since changes
nothing. Mend the cause first, or they are back after five more tries. On AWS it starts SQS's own move task, which goes
on if you leave; elsewhere messages are sent and deleted one by one.

  laurel redrive score-refresh --dry-run
  laurel redrive score-refresh --stage prod --rate 20
`,
    input: { queue: z.string(), dryRun: z.boolean().default(false), rate: wholeNumber(1, 500).optional() },
    async run({ connect, output, clock }, { queue, dryRun, rate }) {
      const connection = connect();
      const chosen = await deadLetterQueue(connection, queue);
      const { role, url, holds, source } = chosen;
      if (holds !== 'messages') throw usageError(`${role}: ${cureOf(holds, connection.target)}`);
      if (source === undefined) throw usageError(`${role}: there is no queue that its messages came from`);
      const sqs = connection.sqs();
      const looked = await deadLettersOf(connection, chosen, await look(sqs, url, MOST_LOOKED_AT), clock());
      const hopeless = looked.filter(({ reason }) => reason.kind === 'unreadable');
      if (hopeless.length > 0) {
        const hint = hintOf(connection.target, `dead-letters ${source.role}`);
        if (hopeless.length === looked.length && looked.length < MOST_LOOKED_AT) {
          throw usageError(`${role}: what it holds can never be read, sent back or not. Look and discard: ${hint}`);
        }
        output.note(
          `${counted(hopeless.length, 'message')} can never be read and will be back. Look and discard: ${hint}`,
        );
      }
      const { waiting, inFlight } = await readQueue(sqs, url);
      // One that is looked at just now is in flight, and soon there again.
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

/** The cure for what cannot be sent back. */
const cureOf = (holds: 'positions' | 'invocations', target: Target): string => {
  switch (holds) {
    case 'positions':
      return (
        'it holds positions in a stream, not messages: there is nothing to send back. Mend the cause, then announce again ' +
        `whoever was missed with \`${hintOf(target, 'backfill --mode all')}\`: a missed score looks current, so \`stale\` passes it`
      );
    case 'invocations':
      return (
        'it holds invocations that a schedule could not make. Mend the cause; the next one makes up for them, or run ' +
        `\`${hintOf(target, 'backfill --mode stale')}\` now`
      );
  }
};

async function lookInto(connection: Connection, queue: DeadLetterQueue, limit: number, now: number) {
  const sqs = connection.sqs();
  const { target } = connection;
  const { waiting, inFlight } = await readQueue(sqs, queue.url);
  // Whatever the depth says: it is only approximate.
  const messages = await look(sqs, queue.url, limit);
  const deadLetters = await deadLettersOf(connection, queue, messages, now);
  const { holds, source, role, consumer } = queue;
  const log = messages.length === 0 || consumer === undefined ? undefined : logHint(connection, consumer);
  const hopeless = deadLetters.filter(({ reason }) => reason.kind === 'unreadable');
  const discardable = holds === 'messages' ? hopeless : deadLetters;
  const ids = discardable.slice(0, MOST_HINTED).map(({ messageId }) => messageId);
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
      ...(holds === 'messages' && retry !== undefined ? [`Once it is mended:    ${retry}`] : []),
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
    reason: reasons.get(id) ?? { kind: 'unknown', says: '' },
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

export const whyOf = ({ kind, says }: Reason): string => `${kind}: ${says}`;
