import * as z from 'zod';
import { current, type SentBatch } from '../invocation.ts';

const Command = z.object({
  input: z.object({
    QueueUrl: z.string(),
    Entries: z.array(
      z.object({ Id: z.string(), MessageBody: z.string(), DelaySeconds: z.number().optional() }).transform((entry) => {
        const { DelaySeconds, ...rest } = entry;
        return DelaySeconds === undefined ? rest : { ...rest, DelaySeconds };
      }),
    ),
  }),
});

/** In place of the SDK's class where a handler makes its client: sends to the simulated queues. */
export function SQSClient(): { send(command: unknown): Promise<SentBatch> } {
  const { surroundings } = current();
  return { send: (command) => surroundings.sendBatch(Command.parse(command).input) };
}
