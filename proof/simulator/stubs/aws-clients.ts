import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { current } from '../invocation.ts';

/** Replaces `functions/runtime/aws-clients.ts` with the database client of the simulation, which is a real one. */
export const dynamodbClient = (): DynamoDBClient => current().surroundings.dynamodb;

const Send = z.object({
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

const Count = z.object({ input: z.object({ QueueUrl: z.string(), AttributeNames: z.array(z.string()) }) });

/** Sends to the simulated queues, and counts their messages. */
export function sqsClient(): { send(command: unknown): Promise<unknown> } {
  const { surroundings } = current();
  return {
    send(command) {
      const counting = Count.safeParse(command);
      return counting.success
        ? surroundings.countMessages(counting.data.input.QueueUrl)
        : surroundings.sendBatch(Send.parse(command).input);
    },
  };
}
