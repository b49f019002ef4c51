import { DeleteMessageCommand } from '@aws-sdk/client-sqs';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { withEscapes } from '../../domain/shared/text.ts';
import { addOperation, commaList, type Runtime } from '../operation.ts';
import { EXIT, OperatorError } from '../outcome.ts';
import { counted, durationText } from '../output.ts';
import { deadLetterQueue, find, giveBack } from '../queues.ts';
import { type DeadLetter, deadLettersOf, whyOf } from './dead-letters.ts';

/** Adds `discard`. */
export function addDiscardCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'discard <queue>',
    summary: 'show dead letters, then delete them',
    options: [
      new Option('--message <ids>', 'ids from `laurel dead-letters`: a,b').makeOptionMandatory(),
      new Option('--yes', 'do not ask for confirmation at a terminal'),
    ],
    help: `
Use it for messages that can never be read, and for positions and invocations whose work was done again. Send readable
messages back with \`laurel redrive\` instead. Each message is printed in full before it is deleted; it cannot be restored.
At a terminal the command asks first.

  laurel discard score-refresh --message 0c1f8a3e-6d55-4a53-9f0b-5a3c1f7a2b10
  laurel discard announce-changes --stage prod --message 0c1f8a3e-6d55-4a53-9f0b-5a3c1f7a2b10
`,
    input: { queue: z.string(), message: commaList, yes: z.boolean().default(false) },
    async run({ connect, output, clock }, { queue: name, message: ids, yes }) {
      const connection = connect();
      const queue = await deadLetterQueue(connection, name);
      const sqs = connection.sqs();
      const wanted = new Set(ids);
      const found = await find(sqs, queue.url, wanted);
      const messages = [...found.values()];
      try {
        const missing = [...wanted].filter((id) => !found.has(id));
        if (missing.length > 0) {
          const why = 'A message is hidden for half a minute while another command reads it';
          throw new OperatorError('unknown_message', `${queue.role} does not hold ${missing.join(', ')}. ${why}`);
        }
        const shown = await deadLettersOf(connection, queue, messages, clock());
        for (const letter of shown) output.note(textOf(letter));
        const what = counted(shown.length, 'message');
        if (!yes && !(await output.confirm(`Delete ${what} of ${queue.role}?`))) {
          throw new OperatorError('declined', 'nothing was deleted');
        }
        for (const [id, { handle }] of found) {
          await sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: handle }));
          found.delete(id);
        }
        output.result({ queue: queue.role, discarded: shown }, `${what} deleted from ${queue.role}`);
        return EXIT.ok;
      } finally {
        await giveBack(sqs, queue.url, [...found.values()]);
      }
    },
  });
}

const textOf = ({ messageId, firstSentAt, ageSeconds, receives, reason, body }: DeadLetter): string =>
  [
    `message:    ${messageId}`,
    `first sent: ${firstSentAt}, ${durationText(ageSeconds)} ago; received ${receives} times`,
    `why:        ${whyOf(reason)}`,
    `body:       ${withEscapes(body)}`,
  ].join('\n');
